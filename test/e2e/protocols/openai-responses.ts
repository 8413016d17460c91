import OpenAI from 'openai'
import { zodTextFormat } from 'openai/helpers/zod'
import type {
  Response,
  ResponseCreateParamsNonStreaming,
  ResponseInput,
  ResponseInputContent,
  ResponseInputItem,
} from 'openai/resources/responses/responses'
import { type Access, type Ask, type Client, parsed, runTool, type Said } from './client'

/** OpenAI's SDK with responses; nothing is kept at the provider. */
export function openaiResponses({ url, key, fetch }: Access): Client {
  const { responses } = new OpenAI({ apiKey: key, baseURL: `${url}/v1`, maxRetries: 0, fetch })
  return {
    async ask(ask) {
      if (ask.schema === undefined) return saidBy(await responses.create(bodyOf(ask)))
      const text = { format: zodTextFormat(ask.schema, 'answer') }
      const reply = await responses.parse({ ...bodyOf(ask), text })
      return { ...saidBy(reply), parsed: reply.output_parsed }
    },
    async stream(ask) {
      const stream = responses.stream({ ...bodyOf(ask), stream: true })
      let text = ''
      stream.on('response.output_text.delta', ({ delta }) => {
        text += delta
      })
      return { ...saidBy(await stream.finalResponse()), text }
    },
    async loop(ask, mode) {
      const body = bodyOf(ask)
      const input: ResponseInput = [...body.input]
      for (let step = 0; step < 5; step++) {
        const reply =
          mode === 'whole'
            ? await responses.create({ ...body, input })
            : await responses.stream({ ...body, input, stream: true }).finalResponse()
        const results = resultsOf(ask, reply)
        if (results.length === 0) return saidBy(reply)
        // As OpenAI's guide does it: the whole output goes back.
        input.push(...(reply.output as ResponseInputItem[]), ...results)
      }
      throw new Error('The model does not stop calling tools.')
    },
  }
}

function resultsOf(ask: Ask, { output }: Response): ResponseInputItem.FunctionCallOutput[] {
  return output.flatMap((item) =>
    item.type === 'function_call'
      ? [
          {
            type: 'function_call_output',
            call_id: item.call_id,
            output: runTool(ask, item.name, parsed(item.arguments)),
          },
        ]
      : [],
  )
}

function bodyOf(ask: Ask): ResponseCreateParamsNonStreaming & { input: ResponseInput } {
  const { model, system, tools, toolChoice, reasons, maxTokens } = ask
  return {
    model,
    store: false,
    ...(system !== undefined && { instructions: system }),
    input: [{ role: 'user', content: contentOf(ask) }],
    ...(tools !== undefined && {
      tools: tools.map(({ name, description, parameters }) => ({
        ...{ type: 'function' as const, name, description, parameters, strict: false },
      })),
    }),
    ...(toolChoice !== undefined && {
      tool_choice: typeof toolChoice === 'string' ? toolChoice : { type: 'function', ...toolChoice },
    }),
    ...(reasons === true && {
      reasoning: { effort: 'medium', summary: 'auto' },
      include: ['reasoning.encrypted_content'],
    }),
    ...(maxTokens !== undefined && { max_output_tokens: maxTokens }),
  }
}

function contentOf({ text, pictures = [], pdf }: Ask): ResponseInputContent[] {
  return [
    ...pictures.map((picture) => ({
      type: 'input_image' as const,
      detail: 'auto' as const,
      image_url: 'url' in picture ? picture.url : `data:image/png;base64,${picture.base64}`,
    })),
    ...(pdf === undefined
      ? []
      : [
          {
            type: 'input_file' as const,
            filename: 'report.pdf',
            file_data: `data:application/pdf;base64,${pdf}`,
          },
        ]),
    { type: 'input_text', text },
  ]
}

function saidBy({ output, output_text, status, incomplete_details, usage }: Response): Said {
  const summaries = output.flatMap((item) => (item.type === 'reasoning' ? item.summary : []))
  return {
    text: output_text,
    reasoning: summaries.map(({ text }) => text).join(''),
    calls: output.flatMap((item) =>
      item.type === 'function_call' ? [{ name: item.name, input: parsed(item.arguments) }] : [],
    ),
    finish: incomplete_details?.reason ?? String(status),
    input: usage?.input_tokens ?? -1,
    output: usage?.output_tokens ?? -1,
  }
}
