import Anthropic from '@anthropic-ai/sdk'
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod'
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod'
import type {
  ContentBlockParam,
  Message,
  MessageCreateParamsNonStreaming,
  ToolChoice,
  Usage,
} from '@anthropic-ai/sdk/resources/messages'
import type { Access, Ask, Client, Mode, Said } from './client'

/** Anthropic's SDK. */
export function anthropic({ url, key, fetch }: Access): Client {
  const client = new Anthropic({ apiKey: key, baseURL: url, maxRetries: 0, fetch })
  return {
    async ask(ask) {
      if (ask.schema === undefined) return saidBy(await client.messages.create(bodyOf(ask)))
      const format = zodOutputFormat(ask.schema)
      const reply = await client.messages.parse({ ...bodyOf(ask), output_config: { format } })
      return { ...saidBy(reply), parsed: reply.parsed_output }
    },
    async stream(ask) {
      const stream = client.messages.stream(bodyOf(ask))
      let text = ''
      stream.on('text', (delta) => {
        text += delta
      })
      return { ...saidBy(await stream.finalMessage()), text }
    },
    loop: (ask, mode) => runTools(client, ask, mode),
  }
}

async function runTools(client: Anthropic, ask: Ask, mode: Mode): Promise<Said> {
  const { tools: _, ...body } = bodyOf(ask)
  const tools = (ask.tools ?? []).map(({ name, description, schema, run }) =>
    betaZodTool({ name, description, inputSchema: schema, run }),
  )
  const options = { ...body, tools, max_iterations: 5 }
  const runner =
    mode === 'whole'
      ? client.beta.messages.toolRunner(options)
      : client.beta.messages.toolRunner({ ...options, stream: true })
  return saidBy(await runner.runUntilDone())
}

function bodyOf(ask: Ask): MessageCreateParamsNonStreaming {
  const { model, system, tools, toolChoice, reasons, stop, maxTokens } = ask
  return {
    model,
    max_tokens: maxTokens ?? 4096,
    ...(system !== undefined && { system }),
    messages: [{ role: 'user', content: contentOf(ask) }],
    ...(tools !== undefined && {
      tools: tools.map(({ name, description, parameters }) => ({
        ...{ name, description, input_schema: parameters },
      })),
    }),
    ...(toolChoice !== undefined && { tool_choice: choiceOf(toolChoice) }),
    ...(reasons === true && { thinking: { type: 'enabled', budget_tokens: 2048 } }),
    ...(stop !== undefined && { stop_sequences: [...stop] }),
  }
}

function choiceOf(choice: NonNullable<Ask['toolChoice']>): ToolChoice {
  if (typeof choice === 'object') return { type: 'tool', ...choice }
  return { type: choice === 'required' ? 'any' : choice }
}

function contentOf({ text, pictures = [], pdf }: Ask): ContentBlockParam[] {
  return [
    ...pictures.map((picture) => ({
      type: 'image' as const,
      source:
        'url' in picture
          ? { type: 'url' as const, url: picture.url }
          : { type: 'base64' as const, media_type: 'image/png' as const, data: picture.base64 },
    })),
    ...(pdf === undefined
      ? []
      : [
          {
            type: 'document' as const,
            title: 'report.pdf',
            source: { type: 'base64' as const, media_type: 'application/pdf' as const, data: pdf },
          },
        ]),
    { type: 'text', text },
  ]
}

/** What a message and one of the beta have in common. */
interface AnyMessage extends Pick<Message, 'stop_reason'> {
  content: { type: string; text?: string; thinking?: string; name?: string; input?: unknown }[]
  usage: Pick<
    Usage,
    'input_tokens' | 'output_tokens' | 'cache_creation_input_tokens' | 'cache_read_input_tokens'
  >
}

function saidBy(message: unknown): Said {
  const { content, stop_reason, usage } = message as AnyMessage
  const cached = (usage.cache_creation_input_tokens ?? 0) + (usage.cache_read_input_tokens ?? 0)
  return {
    text: content.map(({ type, text }) => (type === 'text' ? text : '')).join(''),
    reasoning: content.map(({ thinking }) => thinking ?? '').join(''),
    calls: content.flatMap(({ type, name, input }) =>
      type === 'tool_use' ? [{ name: String(name), input }] : [],
    ),
    finish: String(stop_reason),
    input: usage.input_tokens + cached,
    output: usage.output_tokens,
  }
}
