import { describe, expect, test } from 'vitest'
import { signAws } from '../../../src/providers/sign-aws'

/**
 * Published by AWS in its Signature Version 4 test suite (awslabs/aws-c-auth, tests/aws-signing-test-suite/v4,
 * `header-signed-request.txt` of each case): credentials, time, region and service are the suite's.
 */
const credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
}
const AT = '2015-08-30T12:36:00Z'
const suite = { url: 'https://example.amazonaws.com/', body: '', region: 'us-east-1', service: 'service' }
const TOKEN = '6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267'
const scope = 'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request'

describe('signAws', () => {
  test.each([
    {
      name: 'get-vanilla',
      call: { method: 'GET' },
      signature: '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    },
    {
      name: 'post-vanilla',
      call: { method: 'POST' },
      signature: '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
    },
    {
      name: 'get-vanilla-query-order-key-case',
      call: { method: 'GET', url: 'https://example.amazonaws.com/?Param2=value2&Param1=value1' },
      signature: 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    },
  ])('signs $name as AWS does', async ({ call, signature }) => {
    const headers = new Headers(await signAws({ ...suite, ...call }, credentials, AT))
    expect([...headers.keys()]).toEqual(['authorization', 'x-amz-date'])
    expect(headers.get('x-amz-date')).toBe('20150830T123600Z')
    expect(headers.get('authorization')).toBe(
      `${scope}, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    )
  })

  test('signs the token of a session too (get-vanilla-with-session-token)', async () => {
    const session = { ...credentials, sessionToken: TOKEN }
    const headers = new Headers(await signAws({ ...suite, method: 'GET' }, session, AT))
    expect(headers.get('x-amz-security-token')).toBe(TOKEN)
    expect(headers.get('authorization')).toBe(
      `${scope}, SignedHeaders=host;x-amz-date;x-amz-security-token, ` +
        'Signature=07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8',
    )
  })

  test('signs for Bedrock and for now by default, and the bytes as they are', async () => {
    const url = 'https://bedrock-runtime.us-east-1.amazonaws.com/model/a.b-v1%3A0/converse'
    const call = { url, method: 'POST', region: 'us-east-1' }
    const signed = async (body: string | Uint8Array<ArrayBuffer>, at?: string) =>
      new Headers(await signAws({ ...call, body }, credentials, at)).get('authorization')
    expect(await signed('{}', AT)).toContain('/20150830/us-east-1/bedrock/aws4_request, ')
    expect(await signed(Uint8Array.from([0x7b, 0x7d]), AT)).toBe(await signed('{}', AT))
    expect(await signed('{ }', AT)).not.toBe(await signed('{}', AT))
    expect(await signed('{}')).not.toContain('20150830')
  })
})
