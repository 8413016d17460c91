/** The protocols of clients. */
export type Client = 'openai-chat' | 'openai-responses' | 'anthropic' | 'gemini'

/** What the events of a stream say, in the order in which they came. */
export interface Story {
  text: string
  /** Errors as the client's protocol tells them: their bodies. */
  errors: { message: string; body: unknown }[]
  /** It says that the answer is whole, or why it ended. */
  isFinished: boolean
  /** Something came behind an error. */
  hasMoreAfterError: boolean
}

/** Reads a stream strictly: whatever is no event of the protocol's throws. */
export function storyOf(kind: Client | 'gemini-array', stream: string): Story {
  const story: Story = { text: '', errors: [], isFinished: false, hasMoreAfterError: false }
  for (const { data, name } of kind === 'gemini-array' ? elementsOf(stream) : eventsOf(stream)) {
    if (story.errors.length > 0 && data !== '[DONE]') story.hasMoreAfterError = true
    if (data === '[DONE]') story.isFinished = story.errors.length === 0
    else readers[kind](Object(JSON.parse(data)), story, name)
  }
  return story
}

function eventsOf(stream: string): { data: string; name?: string }[] {
  const blocks = stream.split(/\r?\n\r?\n/)
  return blocks.flatMap((block) => {
    const lines = block.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith(':'))
    if (lines.length === 0) return []
    const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trim())
    const name = lines
      .find((line) => line.startsWith('event:'))
      ?.slice(6)
      .trim()
    return [{ data: data.join('\n'), ...(name === undefined ? {} : { name }) }]
  })
}

function elementsOf(stream: string): { data: string; name?: string }[] {
  const elements: unknown = JSON.parse(stream)
  if (!Array.isArray(elements)) throw new Error(`No array: ${stream}`)
  return elements.map((element) => ({ data: JSON.stringify(element) }))
}

type Reader = (event: Record<string, unknown>, story: Story, name: string | undefined) => void

function noteError(story: Story, error: unknown, body: unknown): void {
  story.errors.push({ message: String(Object(error).message), body })
}

const gemini: Reader = (event, story) => {
  if (event['error'] !== undefined) return noteError(story, event['error'], event)
  for (const candidate of listOf(event['candidates'])) {
    for (const part of listOf(Object(candidate.content).parts)) story.text += part.text ?? ''
    if (candidate.finishReason !== undefined) story.isFinished = true
  }
}

const readers: Record<Client | 'gemini-array', Reader> = {
  'openai-chat'(event, story) {
    if (event['error'] !== undefined) return noteError(story, event['error'], event)
    for (const choice of listOf(event['choices'])) {
      story.text += choice.delta.content ?? ''
      if ((choice.finish_reason ?? null) !== null) story.isFinished = true
    }
  },
  'openai-responses'(event, story, name) {
    const type = String(event['type'])
    if (name !== type) throw new Error(`The event ${name} has the type ${type}.`)
    if (type === 'error') return noteError(story, event['error'] ?? event, event)
    if (type === 'response.failed') return noteError(story, Object(event['response']).error, event)
    if (type === 'response.output_text.delta') story.text += String(event['delta'])
    if (type === 'response.completed' || type === 'response.incomplete') story.isFinished = true
  },
  anthropic(event, story, name) {
    const type = String(event['type'])
    if (name !== type) throw new Error(`The event ${name} has the type ${type}.`)
    if (type === 'error') return noteError(story, event['error'], event)
    const delta = Object(event['delta'])
    if (type === 'content_block_delta') story.text += delta.text ?? ''
    if (type === 'message_stop' || (delta.stop_reason ?? null) !== null) story.isFinished = true
  },
  gemini,
  'gemini-array': gemini,
}

// biome-ignore lint/suspicious/noExplicitAny: elements of foreign JSON
function listOf(value: unknown): any[] {
  return Array.isArray(value) ? value : []
}
