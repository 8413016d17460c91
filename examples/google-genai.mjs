// Google's Gen AI SDK against Sluice: an answer, a stream, a count of tokens. SLUICE_URL and SLUICE_KEY must be set.
import { GoogleGenAI } from '@google/genai'

const { SLUICE_URL: baseUrl, SLUICE_KEY: apiKey, SLUICE_MODEL: model = 'demo/echo' } = process.env
const ai = new GoogleGenAI({ apiKey, httpOptions: { baseUrl } })

const answer = await ai.models.generateContent({ model, contents: "Hello from Google's SDK" })
console.log('answer:  ', answer.text)

const stream = await ai.models.generateContentStream({ model, contents: 'Hello in pieces' })
process.stdout.write('stream:   ')
for await (const chunk of stream) process.stdout.write(chunk.text ?? '')
console.log()

const { totalTokens } = await ai.models.countTokens({ model, contents: 'How many?' })
console.log('tokens:  ', totalTokens)

// Gateway parameters go into a header: the SDK writes the body itself.
const parameters = { customer_identifier: 'user_123' }
const tagged = await ai.models.generateContent({
  model,
  contents: 'For a customer',
  config: { httpOptions: { headers: { 'X-Respan-Params': JSON.stringify(parameters) } } },
})
console.log('log id:  ', tagged.sdkHttpResponse?.headers?.['x-respan-log-id'])
