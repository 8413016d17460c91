import OpenAI from 'openai'
import type {
  ChatCompletionChunk,
  ChatCompletionCreateParamsNonStreaming,
  ChatCompletionMessageParam,
} from 'openai/resources'
import { type Access, type Ask, type Client, type Mode, parsed, runTool } from './client'
import { bodyOf, openaiChat, saidBy } from './openai-chat'

/** OpenAI's SDK with a loop of the application's own, which sends back all that it got, as OpenRouter's guide wants it. */
export function openaiByHand(access: Access): Client {
  const { url, key, fetch } = access
  const client = new OpenAI({ apiKey: key, baseURL: `${url}/v1`, maxRetries: 0, fetch })
  return {
    ...openaiChat(access),
    async loop(ask, mode) {
      const body = bodyOf(ask)
      const messages = [...body.messages]
      for (let step = 0; step < 5; step++) {
        const reply = await completed(client, { ...body, messages }, mode)
        const [choice] = reply.choices
        if (choice === undefined || (choice.message.tool_calls ?? []).length === 0) return saidBy(reply)
        messages.push(choice.message, ...resultsOf(ask, choice.message))
      }
      throw new Error('The model does not stop calling tools.')
    },
  }
}

function resultsOf(ask: Ask, message: OpenAI.ChatCompletionMessage): ChatCompletionMessageParam[] {
  return (message.tool_calls ?? []).flatMap((call) => {
    if (call.type !== 'function') return []
    const content = runTool(ask, call.function.name, parsed(call.function.arguments))
    return [{ role: 'tool', tool_call_id: call.id, content }]
  })
}

async function completed(client: OpenAI, body: ChatCompletionCreateParamsNonStreaming, mode: Mode) {
  if (mode === 'whole') return await client.chat.completions.create(body)
  const options = { stream: true as const, stream_options: { include_usage: true } }
  const chunks: ChatCompletionChunk[] = []
  for await (const chunk of await client.chat.completions.create({ ...body, ...options })) chunks.push(chunk)
  return joined(chunks)
}

/** A delta, with what gateways add to it. */
type Delta = ChatCompletionChunk.Choice.Delta & { reasoning_content?: string; reasoning_details?: object[] }

/** The chunks as a completion; entries of `reasoning_details` are kept as they came. */
function joined(chunks: ChatCompletionChunk[]): OpenAI.ChatCompletion {
  const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta as Delta))
  const calls: Record<string, unknown>[] = []
  for (const { index, function: called, ...rest } of deltas.flatMap(({ tool_calls = [] }) => tool_calls)) {
    const before = calls[index] as { function: { name: string; arguments: string } } | undefined
    const name = before?.function.name ?? called?.name ?? ''
    const json = `${before?.function.arguments ?? ''}${called?.arguments ?? ''}`
    calls[index] = { ...before, ...rest, function: { name, arguments: json } }
  }
  const details = deltas.flatMap(({ reasoning_details = [] }) => reasoning_details)
  const message = {
    role: 'assistant',
    content: deltas.map(({ content }) => content ?? '').join(''),
    ...(details.length > 0 && { reasoning_details: details }),
    ...(calls.length > 0 && { tool_calls: calls }),
  }
  const finish_reason = chunks.map(({ choices }) => choices[0]?.finish_reason).find((reason) => reason)
  const usage = chunks.findLast((chunk) => chunk.usage)?.usage
  const choices: unknown[] = [{ index: 0, message, finish_reason }]
  return { usage, choices } as OpenAI.ChatCompletion
}
