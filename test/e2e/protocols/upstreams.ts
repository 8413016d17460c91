import type { WireProtocolId } from '../../../src/protocols/protocol'
import {
  answer,
  byCall,
  type FakeUpstream,
  type ProofFamily,
  type RecordedCall,
  type Step,
  startFakeUpstream,
} from '../../fakes'
import { type Gateway, startGateway } from '../gateway'
import type { ClientRow } from './client'
import { clients, openClient, type Session } from './clients'

/** A provider that speaks one protocol. */
export interface UpstreamRow {
  /** By which the gateway knows it. */
  id: string
  protocol: WireProtocolId
  /** A model that takes every setting. */
  model: string
  /** A model that reasons. */
  thinker: string
  /** Whose signatures it gives out, and wants back. */
  signs?: ProofFamily
}

/** The same fake provider in each of the protocols. */
export const upstreams: readonly UpstreamRow[] = [
  { id: 'up-chat', protocol: 'openai-chat', model: 'gpt-4.1', thinker: 'gpt-5' },
  { id: 'up-responses', protocol: 'openai-responses', model: 'gpt-4.1', thinker: 'gpt-5', signs: 'openai' },
  {
    ...{ id: 'up-anthropic', protocol: 'anthropic', signs: 'anthropic' },
    ...{ model: 'claude-sonnet-4-5', thinker: 'claude-sonnet-4-5' },
  },
  {
    ...{ id: 'up-gemini', protocol: 'gemini', signs: 'gemini' },
    ...{ model: 'gemini-2.5-flash', thinker: 'gemini-3-pro' },
  },
  {
    ...{ id: 'bedrock', protocol: 'bedrock-converse', signs: 'anthropic' },
    ...{ model: 'anthropic.claude-sonnet-4-5', thinker: 'anthropic.claude-sonnet-4-5' },
  },
]

/** Every client at every upstream. */
export const pairs = clients.flatMap((client) => upstreams.map((upstream) => ({ client, upstream })))

/** A gateway that knows them all, and the fake behind them. */
export interface Bench {
  gateway: Gateway
  fake: FakeUpstream
  /** A client of the gateway. */
  open(client: ClientRow): Session
  close(): Promise<void>
}

/** Starts the gateway with all upstreams, and with these variables beside its usual ones. */
export async function startBench(variables: Record<string, string> = {}): Promise<Bench> {
  const fake = await startFakeUpstream()
  const gateway = await startGateway({
    ...variables,
    BEDROCK_BASE_URL: fake.origin,
    AWS_BEARER_TOKEN_BEDROCK: 'bedrock-api-key-0123456789',
  })
  for (const { id, protocol } of upstreams.filter((row) => row.id !== 'bedrock')) {
    const base_url = protocol === 'gemini' ? `${fake.origin}/v1beta` : fake.url
    const row = { provider_id: id, api_key: 'sk-upstream-0123456789', base_url, protocols: [protocol] }
    const { status, body } = await gateway.manage('POST', '/api/providers/', row)
    if (status !== 201) throw new Error(`${id}: ${JSON.stringify(body)}`)
  }
  return {
    gateway,
    fake,
    open: (client) => openClient(client, gateway),
    async close() {
      await gateway.close()
      await fake.close()
    },
  }
}

/** The calls for a model that the fake answered, which is not every one of a thread: it never holds those. */
export function answered({ fake }: Bench, scripted: string): RecordedCall[] {
  return fake.calls.filter((call) => {
    return call.model === scripted && !call.bodyBytes.includes('"previous_message_id"')
  })
}

/** The steps by the number of tools' results that the model was told of: calls that are refused use none up. */
export function byResults(pattern: RegExp, steps: ReadonlyMap<number, Step>): Step {
  return byCall(({ bodyBytes }) => {
    const count = bodyBytes.toString().match(pattern)?.length ?? 0
    return steps.get(count) ?? answer()
  })
}

let lastModel = 0

/** A name of an upstream's model that no other test scripts, and the same as the gateway knows it. */
export function newModel({ id }: UpstreamRow, model: string): { scripted: string; model: string } {
  const scripted = `${model}-t${++lastModel}`
  return { scripted, model: `${id}/${scripted}` }
}
