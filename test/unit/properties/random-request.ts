import { Buffer } from 'node:buffer'
import type { Media, Part, ReasoningProof } from '../../../src/protocols/parts'
import type { WireProtocolId } from '../../../src/protocols/protocol'
import type { ChatRequest, Message, Settings, Tool, ToolChoice } from '../../../src/protocols/request'
import { type Dice, listOf } from '../dice'

/** What random requests and replies are made with: every text that is made has a mark of its own. */
export interface Maker {
  dice: Dice
  /** A text nobody else has, for finding it again: `~7~` and sometimes odd letters around it. */
  marked(): string
}

/** A maker whose marks are counted from 0. */
export function makerOf(dice: Dice): Maker {
  let marks = 0
  return {
    dice,
    marked: () =>
      `${dice.pick(['', 'a ', 'é漢', '😀', '"q" \\ ', 'line\n', '</x>'])}~${marks++}~${dice.pick(['', '', '.', ' ü', '\u2028'])}`,
  }
}

/** Where each protocol has its messages, and the pieces of one. */
const PLACES: Readonly<Record<WireProtocolId, readonly [string, string]>> = {
  'openai-chat': ['messages', 'content'],
  'openai-responses': ['input', 'content'],
  anthropic: ['messages', 'content'],
  gemini: ['contents', 'parts'],
  'bedrock-converse': ['messages', 'content'],
}
/** The search that each provider runs itself. */
const SEARCHES: Readonly<Record<WireProtocolId, Tool>> = {
  'openai-chat': { kind: 'web_search', protocol: 'openai-chat', value: {}, at: 'web_search_options' },
  'openai-responses': {
    kind: 'web_search',
    protocol: 'openai-responses',
    value: { type: 'web_search' },
    at: 'tools[9]',
  },
  anthropic: {
    kind: 'web_search',
    protocol: 'anthropic',
    value: { type: 'web_search_20250305', name: 'web_search', max_uses: 3 },
    at: 'tools[9]',
  },
  gemini: { kind: 'web_search', protocol: 'gemini', value: { googleSearch: {} }, at: 'tools[9]' },
  'bedrock-converse': { kind: 'web_search', protocol: 'anthropic', value: {}, at: 'tools[9]' },
}
/** The families that prove reasoning. */
export const FAMILIES = ['openai', 'anthropic', 'gemini'] as const

/** A request of several turns; its calls are answered, and everything in it has a place. */
export function randomRequest(maker: Maker, protocol: WireProtocolId): ChatRequest {
  const { dice } = maker
  const tools = listOf(dice.below(4), (index) => randomTool(maker, index, protocol))
  if (dice.chance(0.15)) tools.push(SEARCHES[protocol])
  const settings = randomSettings(maker, tools)
  return {
    protocol,
    model: 'model-1',
    stream: dice.chance(0.5),
    wantsStreamUsage: dice.chance(0.5),
    messages: placed(randomMessages(maker, tools, protocol), PLACES[protocol]),
    tools,
    settings,
    ...(dice.chance(0.3) ? { extras: { protocol, fields: { odd_field: maker.marked() }, at: '' } } : {}),
    names: Object.fromEntries(Object.keys(settings).map((name) => [name, `its_${name}`])),
  }
}

/** A proof of one family, or of any. */
export function randomProof({ dice, marked }: Maker, family = dice.pick(FAMILIES)): ReasoningProof {
  const opaque = Buffer.from(marked()).toString('base64')
  if (family === 'openai') return { family, encrypted: opaque, id: `rs_${dice.below(1e9)}` }
  if (family === 'anthropic' && dice.chance(0.3)) return { family, encrypted: opaque }
  return { family, signature: opaque }
}

/** The arguments of a call as JSON text. */
export function randomArguments({ dice, marked }: Maker): string {
  const value = { text: marked(), n: dice.pick([0, -1.5, 1e21, true, null]), deep: { list: [1, 'x', {}] } }
  return dice.chance(0.5) ? JSON.stringify(value) : JSON.stringify(value, null, 1)
}

function randomMessages(maker: Maker, tools: readonly Tool[], protocol: WireProtocolId): Message[] {
  const { dice } = maker
  const messages: Message[] = []
  const add = (role: Message['role'], parts: readonly Part[]) => messages.push({ role, parts, at: '' })
  const say = (role: Message['role']) => add(role, [{ kind: 'text', text: maker.marked() }])
  if (dice.chance(0.6))
    add(
      dice.pick(['system', 'developer']),
      listOf(1 + dice.below(2), () => plainText(maker)),
    )
  for (let turns = 1 + dice.below(3); turns > 0; turns--) {
    add(
      'user',
      listOf(1 + dice.below(3), () => randomContent(maker)),
    )
    if (dice.chance(0.15)) say(dice.pick(['system', 'developer', 'user']))
    if (turns === 1 && dice.chance(0.5)) break
    const answer = randomAnswer(maker, tools, messages.length)
    const native = nativeOf(maker, protocol)
    if (native !== undefined && dice.chance(0.2)) answer.push(native)
    add('assistant', answer)
    const calls = answer.filter((part) => part.kind === 'tool_call')
    if (calls.length === 0) continue
    const results = calls.map((call) => randomResult(maker, call))
    add('user', dice.chance(0.3) ? [...results, plainText(maker)] : results)
    if (dice.chance(0.5)) add('assistant', [plainText(maker)])
  }
  if (messages.at(-1)?.role === 'assistant') say('user')
  return messages
}

function placed(messages: readonly Message[], [list, pieces]: readonly [string, string]): Message[] {
  return messages.map((message, index) => {
    const at = `${list}[${index}]`
    const place = (part: Part, piece: number): Part => {
      const own = `${at}.${pieces}[${piece}]`
      const inner =
        part.kind === 'tool_result'
          ? part.parts.map((one, n) => ({ ...one, at: `${own}.content[${n}]` }))
          : []
      return part.kind === 'tool_result' ? { ...part, at: own, parts: inner } : { ...part, at: own }
    }
    return { ...message, at, parts: message.parts.map(place) }
  })
}

function plainText({ dice, marked }: Maker): Part {
  return {
    kind: 'text',
    text: marked(),
    ...(dice.chance(0.2) ? { cache: dice.pick([{}, { ttl: '1h' }]) } : {}),
  }
}

function randomContent(maker: Maker): Part {
  const { dice, marked } = maker
  const kind = dice.pick(['text', 'text', 'text', 'image', 'file', 'audio', 'video'] as const)
  if (kind === 'text') return plainText(maker)
  if (kind === 'image')
    return { kind, media: randomMedia(maker, 'image/png'), ...(dice.chance(0.3) ? { detail: 'low' } : {}) }
  if (kind === 'audio')
    return { kind, media: { kind: 'base64', base64: base64Of(marked()), mediaType: 'audio/wav' } }
  if (kind === 'video') return { kind, media: randomMedia(maker, 'video/mp4') }
  const media: Media = dice.chance(0.3)
    ? { kind: 'text', text: marked(), mediaType: 'text/plain' }
    : randomMedia(maker, 'application/pdf')
  return { kind, media, ...(dice.chance(0.5) ? { name: `file${dice.below(100)}.pdf` } : {}) }
}

function randomMedia({ dice, marked }: Maker, mediaType: string): Media {
  if (dice.chance(0.5)) return { kind: 'base64', base64: base64Of(marked()), mediaType }
  return {
    kind: 'url',
    url: `https://media.example/${encodeURIComponent(marked())}.${mediaType.split('/')[1]}`,
  }
}

function randomAnswer(maker: Maker, tools: readonly Tool[], turn: number): Part[] {
  const { dice } = maker
  const named = tools.flatMap((tool) => (tool.kind === 'function' || tool.kind === 'custom' ? [tool] : []))
  const reasonings = listOf(dice.below(3), (): Part => {
    const proof = dice.chance(0.8) ? randomProof(maker) : undefined
    const text = proof?.encrypted !== undefined && dice.chance(0.5) ? '' : maker.marked()
    return {
      kind: 'reasoning',
      text: proof?.family === 'anthropic' && proof.encrypted !== undefined ? '' : text,
      proof,
    }
  })
  const calls = listOf(named.length === 0 ? 0 : dice.below(3), (index): Part => {
    const tool = dice.pick(named)
    const isCustom = tool.kind === 'custom'
    return {
      kind: 'tool_call',
      id: `${dice.pick(['call_', 'toolu_', 'x.y:'])}${turn}_${index}`,
      name: tool.name,
      argumentsJson: isCustom ? maker.marked() : randomArguments(maker),
      ...(isCustom ? { isCustom } : {}),
      ...(dice.chance(0.3) ? { proof: randomProof(maker, 'gemini') } : {}),
    }
  })
  const words = listOf(calls.length === 0 ? 1 : dice.below(2), () => plainText(maker))
  return [...reasonings, ...words, ...calls]
}

/** What a tool of the provider's own did. */
function nativeOf({ marked }: Maker, protocol: WireProtocolId): Part | undefined {
  if (protocol === 'anthropic') {
    const type = 'server_tool_use'
    return {
      kind: 'native',
      type,
      protocol,
      value: { type, id: 'srvtoolu_1', name: 'web_search', input: { query: marked() } },
    }
  }
  if (protocol !== 'gemini') return undefined
  return {
    kind: 'native',
    type: 'executableCode',
    protocol,
    value: { executableCode: { language: 'PYTHON', code: marked() } },
  }
}

function randomResult(maker: Maker, { id, isCustom }: Extract<Part, { kind: 'tool_call' }>): Part {
  const { dice } = maker
  const image = (): Part => ({ kind: 'image', media: randomMedia(maker, 'image/png') })
  return {
    kind: 'tool_result',
    callId: id,
    parts: listOf(1 + dice.below(2), () =>
      dice.chance(0.2) ? image() : { kind: 'text', text: maker.marked() },
    ),
    ...(dice.chance(0.2) ? { isError: true } : {}),
    ...(isCustom === true ? { isCustom } : {}),
  }
}

function randomTool({ dice, marked }: Maker, index: number, protocol: WireProtocolId): Tool {
  const at = `tools[${index}]`
  const extras = { protocol, fields: { odd_field: marked() }, at }
  const name = `${dice.pick(['get', 'run-it', 'a.b'])}_${index}`
  if (dice.chance(0.2)) return { kind: 'custom', name, description: marked(), at }
  const properties = { [`p${index}`]: { type: 'string', description: marked() } }
  return {
    kind: 'function',
    name,
    description: marked(),
    parameters: { type: 'object', properties, required: [`p${index}`], additionalProperties: false },
    at,
    ...(dice.chance(0.3) ? { strict: dice.chance(0.5) } : {}),
    ...(dice.chance(0.2) ? { cache: {} } : {}),
    ...(dice.chance(0.2) ? { extras } : {}),
  }
}

function randomSettings(maker: Maker, tools: readonly Tool[]): Settings {
  const { dice, marked } = maker
  const names = tools.flatMap((tool) => ('name' in tool ? [tool.name] : []))
  const schema = {
    type: 'object',
    properties: { a: { type: 'string' } },
    required: ['a'],
    additionalProperties: false,
  }
  const choices = [
    ...(['auto', 'none', 'required'] as const).map((kind): ToolChoice => ({ kind })),
    ...names.map((name): ToolChoice => ({ kind: 'tool', name })),
    ...names.map((name): ToolChoice => ({ kind: 'allowed', mode: 'required', names: [name] })),
  ]
  const all: Settings = {
    maxOutputTokens: dice.pick([1, 16, 64, 4_000]),
    temperature: dice.pick([0, 0.3, 1, 1.7]),
    topP: dice.pick([0, 0.5, 1]),
    topK: dice.pick([1, 40]),
    presencePenalty: dice.pick([0, -1, 0.5]),
    frequencyPenalty: dice.pick([0, 1.5]),
    seed: dice.pick([0, 7]),
    stop: listOf(1 + dice.below(6), marked),
    choiceCount: dice.pick([1, 2]),
    logprobs: true,
    topLogprobs: dice.below(5),
    logitBias: { 50: -100 },
    responseFormat: dice.pick([
      { kind: 'text' },
      { kind: 'json' },
      { kind: 'json_schema', name: 'form', schema, strict: true },
    ]),
    reasoning: dice.pick([
      { effort: 'high' },
      { effort: 'none' },
      { budgetTokens: 2_048 },
      { isEnabled: false },
      { isEnabled: true },
    ]),
    verbosity: dice.pick(['low', 'medium']),
    serviceTier: dice.pick(['auto', 'default', 'flex', 'priority']),
    endUserId: marked(),
    store: dice.chance(0.5),
    metadata: { note: marked() },
    promptCacheKey: marked(),
    promptCacheRetention: '24h',
    parallelToolCalls: dice.chance(0.5),
    toolChoice: dice.pick(choices),
  }
  return Object.fromEntries(
    Object.entries(all).filter(([name]) => dice.chance(name === 'toolChoice' ? tools.length * 0.2 : 0.2)),
  )
}

function base64Of(text: string): string {
  return Buffer.from(text).toString('base64')
}
