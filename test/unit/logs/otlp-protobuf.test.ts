import { describe, expect, test } from 'vitest'
import { decodeProtobuf, encodeProtobuf } from '../../../src/logs/otlp/protobuf'
import { attributesOf, valuesOf } from '../../../src/logs/otlp/values'
import { officialRequest } from '../../e2e/collector'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const ATTRIBUTES = [
  { key: 'text', value: { stringValue: 'Grüße 😀' } },
  { key: 'yes', value: { boolValue: true } },
  { key: 'no', value: { boolValue: false } },
  { key: 'large', value: { intValue: '9007199254740993' } },
  { key: 'negative', value: { intValue: '-5' } },
  { key: 'double', value: { doubleValue: 0.25 } },
  { key: 'list', value: { arrayValue: { values: [{ stringValue: 'a' }, { intValue: '1' }] } } },
  { key: 'map', value: { kvlistValue: { values: [{ key: 'k', value: { stringValue: 'v' } }] } } },
  { key: 'bytes', value: { bytesValue: 'AP8=' } },
]
const REQUEST = {
  resourceSpans: [
    {
      resource: { attributes: ATTRIBUTES, droppedAttributesCount: 2 },
      scopeSpans: [
        {
          scope: { name: 'scope', version: '1', attributes: ATTRIBUTES.slice(0, 1) },
          spans: [
            {
              traceId: TRACE,
              spanId: SPAN,
              traceState: 'a=1',
              parentSpanId: SPAN,
              name: 'n',
              kind: 3,
              startTimeUnixNano: '1763718299000000001',
              endTimeUnixNano: '1763718300000000002',
              attributes: ATTRIBUTES,
              droppedAttributesCount: 1,
              events: [
                { timeUnixNano: '1763718299500000000', name: 'e', attributes: ATTRIBUTES.slice(0, 2) },
              ],
              links: [{ traceId: TRACE, spanId: SPAN, attributes: ATTRIBUTES.slice(0, 1), flags: 1 }],
              status: { message: 'm', code: 2 },
              flags: 257,
            },
          ],
          schemaUrl: 'https://opentelemetry.io/schemas/1.41.1',
        },
      ],
      schemaUrl: 'https://opentelemetry.io/schemas/1.41.1',
    },
  ],
}

/** The same with ids as the bytes that protobuf has. */
function withBytes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withBytes)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => {
      if (/(?:trace|span)Id$/i.test(key)) return [key, new Uint8Array(Buffer.from(String(one), 'hex'))]
      return [key, key === 'bytesValue' ? new Uint8Array(Buffer.from(String(one), 'base64')) : withBytes(one)]
    }),
  )
}

describe('against the official definitions', () => {
  test('what they decode of ours is what it was', () => {
    const decoded = officialRequest.decode(encodeProtobuf(REQUEST, 'ExportTraceServiceRequest'))
    const plain = officialRequest.toObject(decoded, { longs: String, bytes: Buffer })
    expect(plain).toMatchObject(Object(withBytes(REQUEST)))
  })

  test('what they encode is decoded here', () => {
    const bytes = officialRequest.encode(officialRequest.fromObject(withBytes(REQUEST))).finish()
    expect(decodeProtobuf(new Uint8Array(bytes), 'ExportTraceServiceRequest')).toMatchObject({
      resourceSpans: [
        {
          resource: { attributes: ATTRIBUTES },
          scopeSpans: [
            { spans: REQUEST.resourceSpans[0]?.scopeSpans[0]?.spans.map(({ links: _, ...span }) => span) },
          ],
        },
      ],
    })
  })
})

describe('what is no OTLP', () => {
  test.each([
    ['a length beyond the end', [0x0a, 0x20, 0x0a]],
    ['a cut varint', [0x0a, 0xff]],
    ['an end of a group that never began', [0x0c]],
    ['text', [...Buffer.from('{"resourceSpans":[]}')]],
  ])('%s is refused', (_, bytes) => {
    expect(() => decodeProtobuf(Uint8Array.from(bytes), 'ExportTraceServiceRequest')).toThrow()
  })

  test('fields that are not known are skipped', () => {
    // 15: a text, 16: a varint
    const unknown = [0x7a, 0x02, 0x61, 0x62, 0x80, 0x01, 0x05]
    expect(decodeProtobuf(Uint8Array.from(unknown), 'ExportTraceServiceRequest')).toEqual({})
  })

  test('values within values have an end', () => {
    let deep: Record<string, unknown> = { stringValue: 'x' }
    for (let depth = 0; depth < 200; depth++) deep = { arrayValue: { values: [deep] } }
    const request = { resourceSpans: [{ resource: { attributes: [{ key: 'k', value: deep }] } }] }
    expect(() =>
      decodeProtobuf(encodeProtobuf(request, 'ExportTraceServiceRequest'), 'ExportTraceServiceRequest'),
    ).toThrow('deeper')
  })
})

test('attributes and plain values', () => {
  const values = { text: 'a', whole: 3, part: 0.5, yes: true, list: ['a', 'b'], absent: undefined }
  expect(valuesOf(attributesOf(values))).toEqual({
    text: 'a',
    whole: 3,
    part: 0.5,
    yes: true,
    list: ['a', 'b'],
  })
  expect(valuesOf(ATTRIBUTES)).toMatchObject({ map: { k: 'v' }, list: ['a', 1], negative: -5 })
})
