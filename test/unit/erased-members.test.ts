import { gunzipSync, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { emptyMember } from '../../src/logs/erase-bodies'

test('a gzip member of nothing can have any length that a log has, and its neighbours stay', () => {
  for (let length = 44; length <= 600; length++) {
    const member = emptyMember(length)
    expect(member.length).toBe(length)
    expect(gunzipSync(member).length).toBe(0)
  }
  const [first, second] = [gzipSync('{"id":1}\n'), gzipSync('{"id":2}\n')]
  const object = Buffer.concat([first, emptyMember(90_000), second])
  expect(gunzipSync(object).toString()).toBe('{"id":1}\n{"id":2}\n')
})

test('what is shorter than any log is refused', () => {
  expect(() => emptyMember(19)).toThrow(RangeError)
  expect(() => emptyMember(21)).toThrow(RangeError)
})
