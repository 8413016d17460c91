// The OpenAI SDK against Sluice: a reply, a stream, and gateway parameters. SLUICE_URL and SLUICE_KEY must be set.
import OpenAI from 'openai'

const { SLUICE_URL: url, SLUICE_KEY: apiKey, SLUICE_MODEL: model = 'demo/echo' } = process.env
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey })
const messages = [{ role: 'user', content: 'Hello from the OpenAI SDK' }]

const reply = await client.chat.completions.create({ model, messages })
console.log('reply:   ', reply.choices[0].message.content)

const stream = await client.chat.completions.create({ model, messages, stream: true })
process.stdout.write('stream:   ')
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta?.content ?? '')
console.log()

// In TypeScript the fields of the gateway need an `as` or a `// @ts-expect-error`; the SDK sends them as they are.
const { response } = await client.chat.completions
  .create({ model, messages, customer_identifier: 'user_123', metadata: { feature: 'example' } })
  .withResponse()
console.log('log id:  ', response.headers.get('x-respan-log-id'))

try {
  await client.chat.completions.create({ model: 'no-such-model', messages })
} catch (error) {
  console.log('refused: ', error.status, error.code, '-', error.message)
}
