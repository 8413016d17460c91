/** Prompts as text: front matter in YAML and a section for each message, or JSON. */
import { parse, stringify } from 'yaml'

const FENCE = '---\n'
/** A line that begins a message. */
const SECTION = /^=== (system|developer|user|assistant|tool|function)$/
const MODEL_FIRST = ['name', 'description', 'tags', 'model']

/** The file of a prompt; the same prompt always makes the same bytes. */
export function writtenPrompt({ name, description, tags, version }, file) {
  const about = {
    name,
    ...(description === '' ? {} : { description }),
    ...(tags.length === 0 ? {} : { tags }),
  }
  const { messages, ...settings } = version
  if (file.endsWith('.json'))
    return `${JSON.stringify({ ...about, ...ordered(settings), messages }, null, 2)}\n`
  const isPlain = messages.every(isPlainMessage)
  const front = { ...about, ...ordered(settings), ...(isPlain ? {} : { messages }) }
  const sections = isPlain ? messages.map(({ role, content }) => `\n=== ${role}\n${content}\n`) : []
  return `${FENCE}${stringify(front, { lineWidth: 0 })}${FENCE}${sections.join('')}`
}

/** The prompt in a file. */
export function parsePrompt(text, file) {
  const fields = file.endsWith('.json') ? JSON.parse(text) : parsedSections(text)
  const { name, description = '', tags = [], ...version } = fields ?? {}
  if (typeof name !== 'string' || name === '') throw new Error("it has no 'name'")
  if (!Array.isArray(version.messages) || version.messages.length === 0) throw new Error('it has no messages')
  return { name, description, tags, version }
}

/** What one text has and the other has not: lines with - and +, without those that both have. */
export function lineDiff(before, after) {
  const [one, other] = [before.split('\n'), after.split('\n')]
  const longest = Array.from({ length: one.length + 1 }, () => new Array(other.length + 1).fill(0))
  for (let at = one.length - 1; at >= 0; at--)
    for (let to = other.length - 1; to >= 0; to--)
      longest[at][to] =
        one[at] === other[to]
          ? longest[at + 1][to + 1] + 1
          : Math.max(longest[at + 1][to], longest[at][to + 1])
  const lines = []
  let [at, to] = [0, 0]
  while (at < one.length || to < other.length) {
    if (at < one.length && to < other.length && one[at] === other[to]) {
      at++
      to++
    } else if (to >= other.length || (at < one.length && longest[at + 1][to] >= longest[at][to + 1]))
      lines.push(`- ${one[at++]}`)
    else lines.push(`+ ${other[to++]}`)
  }
  return lines
}

function isPlainMessage(message) {
  const isShort = Object.keys(message).every((field) => field === 'role' || field === 'content')
  if (!isShort || typeof message.content !== 'string') return false
  return (
    SECTION.test(`=== ${message.role}`) && !message.content.split('\n').some((line) => SECTION.test(line))
  )
}

function ordered(settings) {
  const names = Object.keys(settings).sort((one, other) => rank(one) - rank(other) || (one < other ? -1 : 1))
  return Object.fromEntries(names.map((name) => [name, settings[name]]))
}

function rank(name) {
  const at = MODEL_FIRST.indexOf(name)
  return at === -1 ? MODEL_FIRST.length : at
}

function parsedSections(written) {
  const text = written.replaceAll('\r\n', '\n')
  if (!text.startsWith(FENCE)) throw new Error("it does not begin with '---'")
  const end = text.indexOf(`\n${FENCE}`, FENCE.length - 1)
  if (end === -1) throw new Error("the front matter is not closed with '---'")
  const fields = parse(text.slice(FENCE.length, end + 1)) ?? {}
  const messages = []
  for (const line of text.slice(end + 1 + FENCE.length).split('\n')) {
    const [, role] = SECTION.exec(line) ?? []
    if (role !== undefined) messages.push({ role, lines: [] })
    else if (messages.length > 0) messages.at(-1).lines.push(line)
    else if (line.trim() !== '')
      throw new Error(`a text stands before the first '=== role': ${line.slice(0, 60)}`)
  }
  if (messages.length === 0) return fields
  const contents = messages.map(({ role, lines }) => ({
    role,
    // One line end is the file's, not the message's.
    content: (lines.at(-1) === '' ? lines.slice(0, -1) : lines).join('\n'),
  }))
  return { ...fields, messages: contents }
}
