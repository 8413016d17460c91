// The AI SDK against Sluice: the same model through three of its providers. SLUICE_URL and SLUICE_KEY must be set.
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText, streamText } from 'ai'

const { SLUICE_URL: url, SLUICE_KEY: apiKey, SLUICE_MODEL: model = 'demo/echo' } = process.env
const baseURL = `${url}/v1`
// Anthropic's protocol wants a limit, and the AI SDK warns when it has to choose one.
const maxOutputTokens = 64
const models = {
  'chat completions': createOpenAICompatible({ name: 'sluice', baseURL, apiKey })(model),
  responses: createOpenAI({ baseURL, apiKey })(model),
  messages: createAnthropic({ baseURL, apiKey })(model),
}

for (const [protocol, languageModel] of Object.entries(models)) {
  const { text, usage } = await generateText({
    model: languageModel,
    prompt: `Hello by ${protocol}`,
    maxOutputTokens,
  })
  console.log('text:    ', text, `(${usage.inputTokens} in, ${usage.outputTokens} out)`)
}

const { textStream } = streamText({ model: models.messages, prompt: 'Hello in pieces', maxOutputTokens })
process.stdout.write('stream:   ')
for await (const piece of textStream) process.stdout.write(piece)
console.log()
