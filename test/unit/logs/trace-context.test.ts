import { describe, expect, test } from 'vitest'
import { attemptSpanId, readTraceparent, spanIdOf, writeTraceparent } from '../../../src/logs/trace-context'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

describe('traceparent', () => {
  test.each([
    ['the example of the specification', `00-${TRACE}-${SPAN}-01`, true],
    ['one that is not recorded', `00-${TRACE}-${SPAN}-00`, false],
    ['more flags than are known', `00-${TRACE}-${SPAN}-03`, true],
    ['a later version with more behind it', `01-${TRACE}-${SPAN}-01-what-else`, true],
    ['spaces around it', ` 00-${TRACE}-${SPAN}-01 `, true],
  ])('%s is read', (_, header, isSampled) => {
    expect(readTraceparent(header)).toEqual({ traceId: TRACE, parentSpanId: SPAN, isSampled })
  })

  test.each([
    ['nothing', null],
    ['an empty one', ''],
    ['a forbidden version', `ff-${TRACE}-${SPAN}-01`],
    ['more in version 0', `00-${TRACE}-${SPAN}-01-x`],
    ['no trace', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['no span', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['capitals', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['too short an id', `00-${TRACE.slice(1)}-${SPAN}-01`],
    ['two of them in one', `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`],
  ])('%s begins a new trace', (_, header) => {
    expect(readTraceparent(header)).toBeUndefined()
  })

  test('what is written is read again', () => {
    expect(readTraceparent(writeTraceparent(TRACE, SPAN, false))).toMatchObject({ isSampled: false })
  })
})

test.each([
  ['01a1fd7ebeb07c12a06a77de5e3b4234', 'a06a77de5e3b4235', 'a06a77de5e3b4236'],
  ['01a1fd7ebeb07c12fffffffffffffffe', 'ffffffffffffffff', '0000000000000000'],
  ['01a1fd7ebeb07c120000000000000000', '0000000000000001', '0000000000000002'],
])('the spans of %s are its own', (logId, first, second) => {
  expect([spanIdOf(logId), attemptSpanId(logId, 0), attemptSpanId(logId, 1)]).toEqual([
    logId.slice(16),
    first,
    second,
  ])
})
