import OpenAI from 'openai'
import { zodResponseFormat } from 'openai/helpers/zod'
import type { RunnableToolFunctionWithParse } from 'openai/lib/RunnableFunction'
import type {
  ChatCompletion,
  ChatCompletionContentPart,
  ChatCompletionCreateParamsNonStreaming,
  ChatCompletionMessage,
} from 'openai/resources'
import { type Access, type Ask, type Client, type Mode, parsed, type Said } from './client'

/** OpenAI's SDK with chat completions. */
export function openaiChat({ url, key, fetch }: Access): Client {
  const client = new OpenAI({ apiKey: key, baseURL: `${url}/v1`, maxRetries: 0, fetch })
  const { completions } = client.chat
  return {
    async ask(ask) {
      if (ask.schema === undefined) return saidBy(await completions.create(bodyOf(ask)))
      const format = zodResponseFormat(ask.schema, 'answer')
      const reply = await completions.parse({ ...bodyOf(ask), response_format: format })
      return { ...saidBy(reply), parsed: reply.choices[0]?.message.parsed }
    },
    async stream(ask) {
      const options = { stream: true as const, stream_options: { include_usage: true } }
      const stream = completions.stream({ ...bodyOf(ask), ...options })
      // The SDK puts together what it knows, which does not include reasoning.
      let reasoning = ''
      for await (const { choices } of stream) reasoning += reasoningIn(choices[0]?.delta)
      return { ...saidBy(await stream.finalChatCompletion()), reasoning }
    },
    loop: (ask, mode) => runTools(client, ask, mode),
  }
}

async function runTools(client: OpenAI, ask: Ask, mode: Mode): Promise<Said> {
  const { tools: _, ...body } = bodyOf(ask)
  const tools = (ask.tools ?? []).map(
    ({ name, description, parameters, run }): RunnableToolFunctionWithParse<object> => ({
      type: 'function',
      function: { name, description, parameters, parse: (json) => JSON.parse(json), function: run },
    }),
  )
  const runner =
    mode === 'whole'
      ? client.chat.completions.runTools({ ...body, tools })
      : client.chat.completions.runTools({
          ...{ ...body, tools, stream: true },
          stream_options: { include_usage: true },
        })
  return saidBy(await runner.finalChatCompletion())
}

/** The ask as a request. */
export function bodyOf(ask: Ask): ChatCompletionCreateParamsNonStreaming {
  const { model, system, tools, toolChoice, reasons, stop, maxTokens } = ask
  return {
    model,
    messages: [
      ...(system === undefined ? [] : [{ role: 'system' as const, content: system }]),
      { role: 'user', content: contentOf(ask) },
    ],
    ...(tools !== undefined && {
      tools: tools.map(({ name, description, parameters }) => ({
        type: 'function',
        function: { name, description, parameters },
      })),
    }),
    ...(toolChoice !== undefined && {
      tool_choice: typeof toolChoice === 'string' ? toolChoice : { type: 'function', function: toolChoice },
    }),
    ...(reasons === true && { reasoning_effort: 'medium' }),
    ...(stop !== undefined && { stop: [...stop] }),
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
  }
}

function contentOf({ text, pictures = [], pdf }: Ask): string | ChatCompletionContentPart[] {
  if (pictures.length === 0 && pdf === undefined) return text
  return [
    ...pictures.map((picture) => ({
      type: 'image_url' as const,
      image_url: { url: 'url' in picture ? picture.url : `data:image/png;base64,${picture.base64}` },
    })),
    ...(pdf === undefined
      ? []
      : [
          {
            type: 'file' as const,
            file: { filename: 'report.pdf', file_data: `data:application/pdf;base64,${pdf}` },
          },
        ]),
    { type: 'text', text },
  ]
}

/** What a completion says. */
export function saidBy({ choices, usage }: ChatCompletion): Said {
  const [choice] = choices
  return {
    text: choice?.message.content ?? '',
    reasoning: reasoningIn(choice?.message),
    calls: callsIn(choice?.message),
    finish: String(choice?.finish_reason),
    input: usage?.prompt_tokens ?? -1,
    output: usage?.completion_tokens ?? -1,
  }
}

function callsIn(message: ChatCompletionMessage | undefined): Said['calls'] {
  return (message?.tool_calls ?? []).map((call) =>
    call.type === 'function'
      ? { name: call.function.name, input: parsed(call.function.arguments) }
      : { name: call.custom.name, input: call.custom.input },
  )
}

/** Where compatible providers put reasoning; OpenAI has no place for it here. */
function reasoningIn(message: object | undefined): string {
  const text = message !== undefined && 'reasoning_content' in message ? message.reasoning_content : ''
  return typeof text === 'string' ? text : ''
}
