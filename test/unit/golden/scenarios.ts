import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { WireProtocolId } from '../../../src/protocols/protocol'
import { isWireProtocolId } from '../../../src/protocols/table'

/** The folder of native exchanges: `<scenario>/<protocol>/`, and what crossing protocols makes of them beside it. */
export const GOLDEN = resolve(import.meta.dirname, '../../golden')

/** One exchange as a provider of the protocol writes it; a part that the scenario has not is absent. */
export interface Exchange {
  scenario: string
  protocol: WireProtocolId
  request?: unknown
  reply?: unknown
  stream?: Uint8Array
  errors?: { name: string; status: number; body: unknown }[]
}

/** All exchanges in the folder. */
export function goldenExchanges(): Exchange[] {
  return readdirSync(GOLDEN).flatMap((scenario) =>
    readdirSync(join(GOLDEN, scenario))
      .filter(isWireProtocolId)
      .map((protocol) => exchangeIn(scenario, protocol)),
  )
}

function exchangeIn(scenario: string, protocol: WireProtocolId): Exchange {
  const folder = join(GOLDEN, scenario, protocol)
  const json = (name: string) => {
    const path = join(folder, name)
    return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined
  }
  const stream = streamIn(folder)
  return {
    scenario,
    protocol,
    request: json('request.json'),
    reply: json('reply.json'),
    errors: json('errors.json'),
    ...(stream === undefined ? {} : { stream }),
  }
}

function streamIn(folder: string): Uint8Array | undefined {
  const [text, binary] = [join(folder, 'stream.sse'), join(folder, 'stream.b64')]
  if (existsSync(text)) return readFileSync(text)
  return existsSync(binary) ? Buffer.from(readFileSync(binary, 'utf8'), 'base64') : undefined
}
