import { readFileSync } from 'node:fs'
import type { ChatEvent } from '../../../src/protocols/answer'
import { converseCodec } from '../../../src/protocols/bedrock-converse/codec'

export function goldenJson(scenario: string, file: string): unknown {
  return JSON.parse(readFileSync(pathOf(scenario, file), 'utf8'))
}

export function goldenStream(scenario: string): Uint8Array {
  return new Uint8Array(Buffer.from(readFileSync(pathOf(scenario, 'stream.b64'), 'utf8'), 'base64'))
}

/** What a new decoder tells of these bytes, handed over in chunks of a size. */
export function decode(bytes: Uint8Array, chunkBytes = bytes.byteLength): ChatEvent[] {
  const decoder = converseCodec.eventDecoder()
  const events: ChatEvent[] = []
  for (let at = 0; at < bytes.byteLength; at += chunkBytes) {
    events.push(...decoder.feed(bytes.subarray(at, at + chunkBytes)))
  }
  return [...events, ...decoder.end()]
}

function pathOf(scenario: string, file: string): string {
  return new URL(`../../golden/${scenario}/bedrock-converse/${file}`, import.meta.url).pathname
}
