import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogle } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText, type LanguageModel, Output, stepCountIs, streamText, type ToolSet, tool } from 'ai'
import { type Access, type Ask, type Client, PNG, type Said } from './client'

type ProviderOptions = NonNullable<Parameters<typeof generateText>[0]['providerOptions']>

/** Vercel's AI SDK with a provider's package: its model, and how it is asked to reason. */
function vercel(
  modelOf: (name: string) => LanguageModel,
  thinking: ProviderOptions,
  usual: ProviderOptions = {},
): Client {
  const settings = (ask: Ask) => ({
    model: modelOf(ask.model),
    ...settingsOf(ask),
    providerOptions: ask.reasons === true ? thinking : usual,
  })
  return {
    async ask(ask) {
      if (ask.schema === undefined) return saidBy(await generateText(settings(ask)))
      const output = Output.object({ schema: ask.schema })
      const result = await generateText({ ...settings(ask), output })
      return { ...saidBy(result), parsed: result.output }
    },
    stream: (ask) => streamed(settings(ask)),
    async loop(ask, mode) {
      const tools = toolsOf(ask, true)
      const looped = { ...settings(ask), tools, stopWhen: stepCountIs(5) }
      return mode === 'whole' ? saidBy(await generateText(looped)) : await streamed(looped)
    },
  }
}

/**
 * `@ai-sdk/openai`, whose models speak responses. Told not to, it sends whole items; by default it sends references to
 * those that it takes for stored.
 */
export function vercelOpenai({ url, ...access }: Access, store = false): Client {
  const { responses } = createOpenAI({ ...optionsOf(access), baseURL: `${url}/v1` })
  // It knows by OpenAI's own names which models reason.
  const openai = { reasoningEffort: 'medium', reasoningSummary: 'auto', forceReasoning: true, store }
  return vercel(responses, { openai }, { openai: { store } })
}

/** `@ai-sdk/openai` with chat completions. */
export function vercelOpenaiChat({ url, ...access }: Access): Client {
  const { chat } = createOpenAI({ ...optionsOf(access), baseURL: `${url}/v1` })
  return vercel(chat, { openai: { reasoningEffort: 'medium', forceReasoning: true } })
}

/** `@ai-sdk/openai-compatible`. */
export function vercelCompatible({ url, ...access }: Access): Client {
  const provider = createOpenAICompatible({
    ...optionsOf(access),
    ...{ name: 'sluice', baseURL: `${url}/v1`, includeUsage: true, supportsStructuredOutputs: true },
    supportedUrls: () => ({ 'image/*': [/^https:/] }),
  })
  return vercel((name) => provider(name), { sluice: { reasoningEffort: 'medium' } })
}

/** `@ai-sdk/anthropic`. */
export function vercelAnthropic({ url, ...access }: Access): Client {
  const provider = createAnthropic({ ...optionsOf(access), baseURL: `${url}/v1` })
  // By Anthropic's own names it knows which models take a schema; for others it makes a tool of it.
  const usual = { structuredOutputMode: 'outputFormat' }
  const thinking = { type: 'enabled', budgetTokens: 2048 }
  return vercel((name) => provider(name), { anthropic: { ...usual, thinking } }, { anthropic: usual })
}

/** `@ai-sdk/google`, which takes a name with a slash for a path of its own, hence `models/`. */
export function vercelGoogle({ url, ...access }: Access): Client {
  const provider = createGoogle({ ...optionsOf(access), baseURL: `${url}/v1beta` })
  const thinkingConfig = { includeThoughts: true, thinkingBudget: 2048 }
  return vercel((name) => provider(`models/${name}`), { google: { thinkingConfig } })
}

/** A file that the SDK may ask for. */
interface Wanted {
  isUrlSupportedByModel: boolean
}

/** What the SDK finds at URLs that its provider does not take. */
const PICTURE = { data: new Uint8Array(Buffer.from(PNG, 'base64')), mediaType: 'image/png' }

function optionsOf({ key, fetch }: Omit<Access, 'url'>) {
  return { apiKey: key, fetch }
}

function settingsOf(ask: Ask) {
  const { system, toolChoice, stop, maxTokens } = ask
  return {
    maxRetries: 0,
    experimental_download: async (files: Wanted[]) =>
      files.map(({ isUrlSupportedByModel }) => (isUrlSupportedByModel ? null : PICTURE)),
    ...(system !== undefined && { instructions: system }),
    messages: [{ role: 'user' as const, content: contentOf(ask) }],
    ...(ask.tools !== undefined && { tools: toolsOf(ask, false) }),
    ...(toolChoice !== undefined && {
      toolChoice:
        typeof toolChoice === 'string' ? toolChoice : { type: 'tool' as const, toolName: toolChoice.name },
    }),
    ...(stop !== undefined && { stopSequences: [...stop] }),
    ...(maxTokens !== undefined && { maxOutputTokens: maxTokens }),
  }
}

function toolsOf({ tools = [] }: Ask, areRun: boolean): ToolSet {
  return Object.fromEntries(
    tools.map(({ name, description, schema, run }) => [
      name,
      areRun
        ? tool({ description, inputSchema: schema, execute: async (input) => run(input) })
        : tool({ description, inputSchema: schema }),
    ]),
  ) as ToolSet
}

function contentOf({ text, pictures = [], pdf }: Ask) {
  return [
    ...pictures.map((picture) => ({
      type: 'file' as const,
      mediaType: 'image/png',
      data: 'url' in picture ? new URL(picture.url) : picture.base64,
    })),
    ...(pdf === undefined
      ? []
      : [{ type: 'file' as const, mediaType: 'application/pdf', filename: 'report.pdf', data: pdf }]),
    { type: 'text' as const, text },
  ]
}

/** What a result tells of its last step. */
interface Result {
  text: string
  reasoningText: string | undefined
  toolCalls: { toolName: string; input: unknown }[]
  finishReason: string
  usage: { inputTokens: number | undefined; outputTokens: number | undefined }
  steps: { usage: Result['usage'] }[]
}

function saidBy({ text, reasoningText, toolCalls, finishReason, usage, steps }: Result): Said {
  const last = steps.at(-1)?.usage ?? usage
  return {
    text,
    reasoning: reasoningText ?? '',
    calls: toolCalls.map(({ toolName, input }) => ({ name: toolName, input })),
    finish: finishReason,
    input: last.inputTokens ?? -1,
    output: last.outputTokens ?? -1,
  }
}

async function streamed(options: Parameters<typeof streamText>[0]): Promise<Said> {
  let failure: unknown
  const result = streamText({
    ...options,
    onError: ({ error }) => {
      failure = error
    },
  })
  await result.consumeStream()
  if (failure !== undefined) throw failure
  return saidBy({
    text: await result.text,
    reasoningText: await result.reasoningText,
    toolCalls: await result.toolCalls,
    finishReason: await result.finishReason,
    usage: await result.usage,
    steps: await result.steps,
  })
}
