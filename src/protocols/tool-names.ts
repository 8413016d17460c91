import { markOf } from './mark'
import type { ChatRequest, Message, ToolChoice } from './request'

/** What a protocol takes as the name of a tool. */
export interface NameRule {
  /** The letters that are not allowed. */
  illegal: RegExp
  /** What a name must begin with, where not every legal letter will do. */
  begin?: RegExp
  maxLength: number
}

/** A request whose tools have legal names, and what the client calls those that were renamed. */
export interface Renamed {
  request: ChatRequest
  /** By the name that is sent; calls are turned back in the answer. */
  renamed?: Readonly<Record<string, string>>
}

/**
 * Tools, calls and choices by names that the target takes: protocols differ in letters and lengths (Gemini has dots
 * and colons, Anthropic 128 letters, OpenAI 64), and names of MCP servers use up all of it. Legal names stay.
 */
export function withLegalNames(request: ChatRequest, rule: NameRule): Renamed {
  const names = new Set([
    ...request.tools.flatMap((tool) => ('name' in tool ? [tool.name] : [])),
    ...called(request),
  ])
  const illegal = [...names].filter((name) => !isLegal(name, rule))
  if (illegal.length === 0) return { request }
  const sent = new Map<string, string>()
  for (const name of illegal) {
    const legal = legalName(name, rule, (taken) => names.has(taken))
    names.add(legal)
    sent.set(name, legal)
  }
  return {
    request: withNames(request, (name) => sent.get(name) ?? name),
    renamed: Object.fromEntries([...sent].map(([name, legal]) => [legal, name])),
  }
}

function isLegal(name: string, { illegal, begin, maxLength }: NameRule): boolean {
  if (name === '' || name.length > maxLength || begin?.test(name) === false) return false
  return name.search(illegal) === -1
}

// As readable as it can be, since the model reads it; the mark keeps apart what would be the same.
function legalName(name: string, rule: NameRule, isTaken: (name: string) => boolean): string {
  const { illegal, begin, maxLength } = rule
  const letters = name.replaceAll(new RegExp(illegal, 'g'), '_')
  const plain = begin === undefined || begin.test(letters) ? letters : `_${letters}`
  if (plain !== '' && plain.length <= maxLength && !isTaken(plain)) return plain
  const mark = `_${markOf(name)}`
  return plain.slice(0, maxLength - mark.length) + mark
}

function called({ messages }: ChatRequest): string[] {
  return messages.flatMap(({ parts }) =>
    parts.flatMap((part) => (part.kind === 'tool_call' ? [part.name] : [])),
  )
}

function withNames(request: ChatRequest, nameOf: (name: string) => string): ChatRequest {
  const { messages, tools, settings } = request
  const { toolChoice } = settings
  return {
    ...request,
    messages: messages.map((message) => renamedMessage(message, nameOf)),
    tools: tools.map((tool) => ('name' in tool ? { ...tool, name: nameOf(tool.name) } : tool)),
    settings:
      toolChoice === undefined ? settings : { ...settings, toolChoice: renamedChoice(toolChoice, nameOf) },
  }
}

function renamedMessage(message: Message, nameOf: (name: string) => string): Message {
  return {
    ...message,
    parts: message.parts.map((part) => {
      if (part.kind === 'tool_call') return { ...part, name: nameOf(part.name) }
      return part.kind === 'tool_result' && part.name !== undefined
        ? { ...part, name: nameOf(part.name) }
        : part
    }),
  }
}

function renamedChoice(choice: ToolChoice, nameOf: (name: string) => string): ToolChoice {
  if (choice.kind === 'tool') return { ...choice, name: nameOf(choice.name) }
  return choice.kind === 'allowed' ? { ...choice, names: choice.names.map(nameOf) } : choice
}
