import {
  type CallableTool,
  FunctionCallingConfigMode,
  type GenerateContentConfig,
  type GenerateContentParameters,
  type GenerateContentResponse,
  GoogleGenAI,
  type Part,
} from '@google/genai'
import * as z from 'zod'
import { type Access, type Ask, type Client, parsed, runTool, type Said } from './client'

/** Google's SDK. */
export function gemini({ url, key, fetch }: Access): Client {
  const { models } = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url, fetch } })
  const streamed = async (request: GenerateContentParameters) => {
    const replies: GenerateContentResponse[] = []
    for await (const reply of await models.generateContentStream(request)) replies.push(reply)
    return saidBy(replies)
  }
  return {
    async ask(ask) {
      const said = saidBy([await models.generateContent(requestOf(ask))])
      return ask.schema === undefined ? said : { ...said, parsed: parsed(said.text) }
    },
    stream: (ask) => streamed(requestOf(ask)),
    async loop(ask, mode) {
      const { config, ...request } = requestOf(ask)
      const callable = { ...request, config: { ...config, tools: [callableTool(ask)] } }
      return mode === 'whole' ? saidBy([await models.generateContent(callable)]) : await streamed(callable)
    },
  }
}

/** Tools that the SDK calls by itself. */
function callableTool(ask: Ask): CallableTool {
  return {
    tool: async () => ({ functionDeclarations: declarationsOf(ask) }),
    callTool: async (calls) =>
      calls.map(({ id, name = '', args }) => ({
        functionResponse: {
          ...(id !== undefined && { id }),
          name,
          response: { output: runTool(ask, name, args) },
        },
      })),
  }
}

function declarationsOf({ tools = [] }: Ask) {
  return tools.map(({ name, description, parameters }) => ({
    ...{ name, description, parametersJsonSchema: parameters },
  }))
}

function requestOf(ask: Ask): GenerateContentParameters {
  const { model, system, tools, toolChoice, reasons, schema, stop, maxTokens } = ask
  const config: GenerateContentConfig = {
    ...(system !== undefined && { systemInstruction: system }),
    ...(tools !== undefined && { tools: [{ functionDeclarations: declarationsOf(ask) }] }),
    ...(toolChoice !== undefined && { toolConfig: { functionCallingConfig: choiceOf(toolChoice) } }),
    ...(reasons === true && { thinkingConfig: { includeThoughts: true, thinkingBudget: 2048 } }),
    ...(schema !== undefined && {
      responseMimeType: 'application/json',
      responseJsonSchema: z.toJSONSchema(schema),
    }),
    ...(stop !== undefined && { stopSequences: [...stop] }),
    ...(maxTokens !== undefined && { maxOutputTokens: maxTokens }),
  }
  return { model, contents: [{ role: 'user', parts: partsOf(ask) }], config }
}

function choiceOf(choice: NonNullable<Ask['toolChoice']>) {
  if (typeof choice === 'object') {
    return { mode: FunctionCallingConfigMode.ANY, allowedFunctionNames: [choice.name] }
  }
  const modes = { auto: 'AUTO', none: 'NONE', required: 'ANY' } as const
  return { mode: FunctionCallingConfigMode[modes[choice]] }
}

function partsOf({ text, pictures = [], pdf }: Ask): Part[] {
  return [
    ...pictures.map((picture) =>
      'url' in picture
        ? { fileData: { mimeType: 'image/png', fileUri: picture.url } }
        : { inlineData: { mimeType: 'image/png', data: picture.base64 } },
    ),
    ...(pdf === undefined ? [] : [{ inlineData: { mimeType: 'application/pdf', data: pdf } }]),
    { text },
  ]
}

function saidBy(replies: GenerateContentResponse[]): Said {
  const candidates = replies.flatMap((reply) => reply.candidates?.[0] ?? [])
  const parts = candidates.flatMap(({ content }) => content?.parts ?? [])
  const usage = replies.findLast(({ usageMetadata }) => usageMetadata !== undefined)?.usageMetadata
  const textOf = (isThought: boolean) =>
    parts.map(({ thought = false, text = '' }) => (thought === isThought ? text : '')).join('')
  return {
    text: textOf(false),
    reasoning: textOf(true),
    calls: parts.flatMap(({ functionCall: call }) =>
      call === undefined ? [] : [{ name: String(call.name), input: call.args }],
    ),
    finish: String(candidates.at(-1)?.finishReason),
    input: usage?.promptTokenCount ?? -1,
    output: (usage?.candidatesTokenCount ?? 0) + (usage?.thoughtsTokenCount ?? 0),
  }
}
