import { ChatOpenAI } from '@langchain/openai'
import { type Access, type Ask, type Client, runTool, type Said } from './client'

type Prompt = Extract<Parameters<ChatOpenAI['invoke']>[0], unknown[]>
type Reply = Awaited<ReturnType<ChatOpenAI['invoke']>>

/** LangChain's ChatOpenAI with chat completions. */
export function langchainChat(access: Access): Client {
  return langchain(access, false)
}

/** LangChain's ChatOpenAI with responses. */
export function langchainResponses(access: Access): Client {
  return langchain(access, true)
}

function langchain(access: Access, useResponsesApi: boolean): Client {
  const open = (ask: Ask) => modelOf(access, ask, useResponsesApi)
  const streamed = async (ask: Ask, messages: Prompt) => {
    let whole: Reply | undefined
    for await (const chunk of await open(ask).stream(messages)) whole = whole?.concat(chunk) ?? chunk
    if (whole === undefined) throw new Error('A stream without a chunk.')
    return whole
  }
  return {
    async ask(ask) {
      if (ask.schema === undefined) return saidBy(await open(ask).invoke(messagesOf(ask)))
      const model = chatOf(access, ask, useResponsesApi)
      const structured = model.withStructuredOutput(ask.schema, { method: 'jsonSchema', includeRaw: true })
      const { raw, parsed } = await structured.invoke(messagesOf(ask))
      return { ...saidBy(raw as Reply), parsed }
    },
    stream: async (ask) => saidBy(await streamed(ask, messagesOf(ask))),
    async loop(ask, mode) {
      const messages = messagesOf(ask)
      for (let step = 0; step < 5; step++) {
        const reply = mode === 'whole' ? await open(ask).invoke(messages) : await streamed(ask, messages)
        const calls = reply.tool_calls ?? []
        if (calls.length === 0) return saidBy(reply)
        const results = calls.map(({ id = '', name, args }) => {
          return { role: 'tool', tool_call_id: id, content: runTool(ask, name, args) }
        })
        messages.push(reply, ...results)
      }
      throw new Error('The model does not stop calling tools.')
    },
  }
}

function modelOf(access: Access, ask: Ask, useResponsesApi: boolean) {
  const { tools, toolChoice, stop } = ask
  const model = chatOf(access, ask, useResponsesApi)
  if (tools === undefined) return stop === undefined ? model : model.withConfig({ stop: [...stop] })
  const choice = typeof toolChoice === 'object' ? toolChoice.name : toolChoice
  return model.bindTools(
    tools.map(({ name, description, parameters }) => ({
      type: 'function',
      function: { name, description, parameters },
    })),
    choice === undefined ? {} : { tool_choice: choice },
  )
}

function chatOf({ url, key, fetch }: Access, { model, reasons, maxTokens }: Ask, useResponsesApi: boolean) {
  return new ChatOpenAI({
    ...{ model, apiKey: key, useResponsesApi, maxRetries: 0, streamUsage: true },
    configuration: { baseURL: `${url}/v1`, fetch },
    ...(maxTokens !== undefined && { maxTokens }),
    ...(reasons === true && reasoningOf(useResponsesApi)),
  })
}

/** LangChain sends `reasoning` to models with OpenAI's names only; other fields go as they are. */
function reasoningOf(useResponsesApi: boolean) {
  if (!useResponsesApi) return { modelKwargs: { reasoning_effort: 'medium' } }
  return {
    zdrEnabled: true,
    modelKwargs: {
      reasoning: { effort: 'medium', summary: 'auto' },
      include: ['reasoning.encrypted_content'],
    },
  }
}

function messagesOf({ system, text, pictures = [], pdf }: Ask): Prompt {
  const images = pictures.map((picture) => ({
    type: 'image_url',
    image_url: { url: 'url' in picture ? picture.url : `data:image/png;base64,${picture.base64}` },
  }))
  const documents =
    pdf === undefined
      ? []
      : [
          {
            ...{ type: 'file', source_type: 'base64', mime_type: 'application/pdf', data: pdf },
            metadata: { filename: 'report.pdf' },
          },
        ]
  const content = [...images, ...documents, { type: 'text', text }]
  return [...(system === undefined ? [] : [{ role: 'system', content: system }]), { role: 'user', content }]
}

/** What LangChain tells of the tokens. */
interface Usage {
  input_tokens: number
  output_tokens: number
}

/** How an answer ended, of chat completions and of responses. */
interface Told {
  finish_reason?: string
  incomplete_details?: { reason: string } | null
  status?: string
}

function saidBy(message: Reply): Said {
  const usage = message.usage_metadata as Usage | undefined
  const told: Told = message.response_metadata
  return {
    text: message.text,
    reasoning: reasoningIn(message),
    calls: (message.tool_calls ?? []).map(({ name, args }) => ({ name, input: args })),
    finish: told.finish_reason ?? told.incomplete_details?.reason ?? String(told.status),
    input: usage?.input_tokens ?? -1,
    output: usage?.output_tokens ?? -1,
  }
}

/** Of chat completions a field of its own, of responses blocks of the content. */
function reasoningIn({ content, additional_kwargs: more }: Reply): string {
  const { reasoning_content: text } = more
  if (typeof text === 'string') return text
  const blocks = typeof content === 'string' ? [] : content
  return blocks.map((block) => (block.type === 'reasoning' ? String(block['reasoning']) : '')).join('')
}
