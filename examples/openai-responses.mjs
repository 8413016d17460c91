// OpenAI Responses through the OpenAI SDK: a response, a stream, a tool. SLUICE_URL and SLUICE_KEY must be set.
import OpenAI from 'openai'

const { SLUICE_URL: url, SLUICE_KEY: apiKey, SLUICE_MODEL: model = 'demo/echo' } = process.env
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey })

const response = await client.responses.create({ model, input: 'Hello from Responses' })
console.log('response:', response.output_text)

const stream = await client.responses.create({ model, input: 'Hello in pieces', stream: true })
process.stdout.write('stream:   ')
for await (const event of stream)
  if (event.type === 'response.output_text.delta') process.stdout.write(event.delta)
console.log()

const called = await client.responses.create({
  model,
  input: 'What is the weather in Paris?',
  tools: [
    {
      type: 'function',
      name: 'get_weather',
      strict: false,
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  ],
})
for (const item of called.output)
  if (item.type === 'function_call') console.log('tool:    ', item.name, item.arguments)
