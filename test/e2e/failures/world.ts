import { type FakeUpstream, type RecordedCall, type Step, startFakeUpstream } from '../../fakes'
import { type Gateway, type LogRow, startGateway, UPSTREAM_KEY } from '../gateway'
import { type Surface, surfaces } from './surfaces'

/** Protocols of upstreams; the last one is spoken by a built-in provider, the others by stored ones. */
export const UPSTREAMS = [
  'openai-chat',
  'openai-responses',
  'anthropic',
  'gemini',
  'bedrock-converse',
] as const
export type Upstream = (typeof UPSTREAMS)[number]

export const AWS_TOKEN = 'bedrock-token-0123456789abcdef'

/** The gateway, and a provider of each protocol behind it. */
export interface World extends Gateway {
  /** The name of a model of such a provider that takes these steps; new each time. */
  model(upstream: Upstream, ...steps: Step[]): string
  /** The call that a model got. */
  callOf(model: string, ms?: number): Promise<RecordedCall>
  /** The fake behind a model, and the model's name there. */
  behind(model: string): { fake: FakeUpstream; name: string }
  /** POSTs a request to a surface. */
  ask(surface: Surface, model: string, how?: AskOptions): Promise<Response>
  close(): Promise<void>
}

export interface AskOptions {
  stream?: boolean
  /** Added to the body. */
  more?: object
  headers?: Record<string, string | null>
  signal?: AbortSignal
}

/** Starts all of it. */
export async function startWorld(variables: Record<string, string> = {}): Promise<World> {
  const aws = await startFakeUpstream()
  const gateway = await startGateway({
    BEDROCK_BASE_URL: aws.origin,
    AWS_BEARER_TOKEN_BEDROCK: AWS_TOKEN,
    AWS_REGION: 'us-east-1',
    ...variables,
  })
  const { origin, url } = gateway.upstream
  for (const [id, protocol, base_url] of [
    ['responses', 'openai-responses', url],
    ['messages', 'anthropic', url],
    ['contents', 'gemini', `${origin}/v1beta`],
  ]) {
    const row = { provider_id: id, api_key: UPSTREAM_KEY, protocols: [protocol], base_url }
    const made = await gateway.manage('POST', '/api/providers/', row)
    if (made.status !== 201) throw new Error(JSON.stringify(made))
  }
  let scripted = 0
  const prefixes: Record<Upstream, string> = {
    'openai-chat': 'fake/gpt-',
    'openai-responses': 'responses/gpt-',
    anthropic: 'messages/claude-haiku-4-5-',
    gemini: 'contents/gemini-',
    'bedrock-converse': 'bedrock/anthropic.claude-',
  }
  const behind = (model: string) => {
    const slash = model.indexOf('/')
    return { fake: model.startsWith('bedrock/') ? aws : gateway.upstream, name: model.slice(slash + 1) }
  }
  return {
    ...gateway,
    behind,
    model(upstream, ...steps) {
      const model = `${prefixes[upstream]}x${++scripted}`
      const { fake, name } = behind(model)
      if (steps.length > 0) fake.script(name, ...steps)
      return model
    },
    callOf(model, ms) {
      const { fake, name } = behind(model)
      return fake.waitFor((call) => call.model === name, ms)
    },
    ask(surface, model, { stream = false, more = {}, headers = {}, signal } = {}) {
      return gateway.fetch(surface.path(model, stream), {
        method: 'POST',
        headers: { ...surface.headers, ...headers },
        body: JSON.stringify({ ...surface.body(model, stream), ...more }),
        ...(signal === undefined ? {} : { signal }),
      })
    },
    async close() {
      await gateway.close()
      await aws.close()
    },
  }
}

/** Each client with each upstream. */
export const pairs: [string, Surface, Upstream][] = surfaces.flatMap((surface) =>
  UPSTREAMS.map((upstream): [string, Surface, Upstream] => [
    `${surface.name} at ${upstream}`,
    surface,
    upstream,
  ]),
)

export function logIdOf({ headers }: { headers: Headers }): string {
  return headers.get('x-respan-log-id') ?? ''
}

/** A response with all that it said, and its log. */
export async function told(world: World, response: Response): Promise<Told> {
  const text = await response.text()
  const { status, headers } = response
  return { status, headers, text, log: await world.logOf(logIdOf(response)) }
}

export interface Told {
  status: number
  headers: Headers
  text: string
  log: LogRow
}
