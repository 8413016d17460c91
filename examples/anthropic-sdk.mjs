// Anthropic's SDK against Sluice: a message, a stream, a count of tokens, and a loss that is told or refused.
// SLUICE_URL and SLUICE_KEY must be set.
import Anthropic from '@anthropic-ai/sdk'

const { SLUICE_URL: baseURL, SLUICE_KEY: apiKey, SLUICE_MODEL: model = 'demo/echo' } = process.env
const client = new Anthropic({ baseURL, apiKey })
const messages = [{ role: 'user', content: "Hello from Anthropic's SDK" }]

const message = await client.messages.create({ model, max_tokens: 64, messages })
console.log('message: ', message.content.map((block) => (block.type === 'text' ? block.text : '')).join(''))

process.stdout.write('stream:   ')
const stream = client.messages.stream({ model, max_tokens: 64, messages })
stream.on('text', (text) => process.stdout.write(text))
await stream.finalMessage()
console.log()

const { input_tokens: tokens } = await client.messages.countTokens({ model, messages })
console.log('tokens:  ', tokens)

// What a provider of another protocol cannot be told is named; here the built-in model, which speaks OpenAI's.
const asked = { model, max_tokens: 64, messages, top_k: 5 }
const { response } = await client.messages.create(asked).withResponse()
console.log('dropped: ', response.headers.get('x-sluice-dropped'))
try {
  await client.messages.create({ ...asked, metadata: { respan_params: { require_parameters: true } } })
} catch (error) {
  console.log('refused: ', error.status, '-', error.error?.error?.message)
}
