import { describe, expect, test } from 'vitest'
import { isPrivateHost, joinPath, problemWithBaseUrl, upstreamBase } from '../../src/providers/upstream-url'

// Each in the spelling of somebody who tries: URL makes them all the same before they are judged.
const privateHosts = [
  ...[
    '127.0.0.1',
    '127.0.0.2',
    '127.255.255.254',
    '127.1',
    '127.0.1',
    '127.0.0.1.',
    '0.0.0.0',
    '0',
    '0.1.2.3',
  ],
  ...['2130706433', '0x7f000001', '0x7f.1', '0x7F.0x0.0x0.0x1', '0177.0.0.1', '017700000001', '0x0'],
  ...['%31%32%37.0.0.1', '１２７.0.0.1', '127。0。0。1', '①②⑦.0.0.1', '127.0.0.1:8080'],
  ...[
    '10.0.0.1',
    '10.255.255.255',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '192.168.255.255',
    '3232235521',
  ],
  ...['169.254.169.254', '169.254.0.1', '0xa9fea9fe', '2852039166', '0251.0376.0251.0376'],
  ...['100.64.0.1', '100.127.255.255', '198.18.0.1', '198.19.255.255', '192.0.0.1', '192.0.2.1'],
  ...['224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'],
  ...['[::1]', '[::]', '[0:0:0:0:0:0:0:1]', '[0000::1]', '[::1]:8080', '[::127.0.0.1]'],
  ...['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[0:0:0:0:0:ffff:10.0.0.1]', '[::ffff:0:127.0.0.1]'],
  ...[
    '[64:ff9b::127.0.0.1]',
    '[64:ff9b:1::10.0.0.1]',
    '[2002:7f00:1::]',
    '[2001:0:4136:e378:8000:63bf:3fff:fdd2]',
  ],
  ...[
    '[fc00::1]',
    '[fd12:3456:789a::1]',
    '[fdff::]',
    '[fe80::1]',
    '[febf::1]',
    '[fec0::1]',
    '[ff02::1]',
    '[FE80::1]',
  ],
  ...[
    'localhost',
    'LOCALHOST',
    'localhost.',
    'api.localhost',
    'localhost:11434',
    'loc%61lhost',
    'ｌｏｃａｌｈｏｓｔ',
  ],
  ...[
    'metadata',
    'intranet',
    'metadata.google.internal',
    'printer.local',
    'router.lan',
    'nas.home',
    'db.corp',
  ],
  ...['host.docker.internal', 'x.home.arpa', 'METADATA.GOOGLE.INTERNAL.'],
  ...[
    'localhost.localdomain',
    'api.default.svc',
    'wiki.intranet',
    '127.0.0.1.example.com',
    'a.10.0.0.1.b.example',
  ],
  ...['127.0.0.1.nip.io', 'app-10-0-0-1.nip.io', 'app.7f000001.nip.io', 'A.127-0-0-1.SSLIP.IO.', 'nip.io'],
  ...[
    '--1.sslip.io',
    '1-1-1-1.127-0-0-1.sslip.io',
    'localtest.me',
    'api.localtest.me',
    'x.lvh.me',
    'lvh.me.',
  ],
]

const publicHosts = [
  ...[
    'api.example.com',
    'example.com.',
    'api.example.com:8443',
    '1.1.1.1',
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.1',
  ],
  ...[
    '126.255.255.255',
    '128.0.0.1',
    '172.15.255.255',
    '172.32.0.1',
    '192.167.255.255',
    '192.169.0.1',
    '192.1.0.1',
  ],
  ...[
    '169.253.255.255',
    '169.255.0.1',
    '100.63.255.255',
    '100.128.0.1',
    '198.17.255.255',
    '198.20.0.1',
    '223.255.255.255',
  ],
  ...['192.0.66.2'],
  ...['[2606:4700:4700::1111]', '[2001:4860:4860::8888]', '[2a00:1450:4001::1]'],
  ...[
    'localhost.example.com',
    'local.example.com',
    'internal.example.com',
    'mylocal.com',
    'fd.example.com',
    'xn--bcher-kva.example',
    '8-8-8-8.sslip.io',
    'app.8.8.8.8.nip.io',
    'v10-0-0-1.example.com',
    'notnip.io',
    'mylvh.me',
  ],
]

describe('a base URL of a provider', () => {
  test.each(privateHosts)('is refused where private addresses are: https://%s/v1', (host) => {
    expect(problemWithBaseUrl(`https://${host}/v1`, false)).toContain('is a private or loopback address')
  })

  test.each(privateHosts)('is taken there when that is allowed: %s', (host) => {
    expect(problemWithBaseUrl(`https://${host}/v1`, true)).toBeUndefined()
    expect(problemWithBaseUrl(`http://${host}/v1`, true)).toBeUndefined()
  })

  test.each(publicHosts)('is taken in public over https only: %s', (host) => {
    for (const mayBePrivate of [true, false]) {
      expect(problemWithBaseUrl(`https://${host}/v1`, mayBePrivate)).toBeUndefined()
      expect(problemWithBaseUrl(`http://${host}/v1`, mayBePrivate)).toBe('The URL must use https.')
    }
  })

  test.each([
    ['nothing', '', 'is not a URL'],
    ['no scheme', 'api.example.com/v1', 'is not a URL'],
    ['no host', 'https://', 'is not a URL'],
    ['a scheme to be guessed', '//api.example.com/v1', 'is not a URL'],
    ['a bad port', 'https://api.example.com:99999/v1', 'is not a URL'],
    ['a zone', 'https://[fe80::1%25eth0]/v1', 'is not a URL'],
    ['a user', 'https://me@api.example.com/v1', 'must not hold a user name or password'],
    ['a password', 'https://:secret@api.example.com/v1', 'must not hold a user name or password'],
    [
      'a user that looks like a host',
      'https://api.example.com@127.0.0.1/v1',
      'must not hold a user name or password',
    ],
    ['a fragment', 'https://api.example.com/v1#a', 'must not have a fragment'],
    ['an empty fragment', 'https://api.example.com/v1#', 'must not have a fragment'],
    ['ftp', 'ftp://api.example.com/v1', 'must use https'],
    ['a socket', 'wss://api.example.com/v1', 'must use https'],
    ['a file', 'file:///etc/passwd', ''],
    ['a script', 'javascript:alert(1)', ''],
    ['data', 'data:text/plain,hi', ''],
  ])('is refused with %s', (_, url, reason) => {
    expect(problemWithBaseUrl(url, false)).toContain(reason)
    expect(problemWithBaseUrl(url, true)).toContain(reason)
  })

  test('is refused without repeating the password', () => {
    expect(problemWithBaseUrl('https://me:secret@api.example.com', false)).not.toContain('secret')
  })
})

test.each([
  ['a dotless name', 'host', true],
  ['a name', 'host.example', false],
  ['a name of numbers', '1.2.3.4.example', false],
])('%s is private: %s', (_, host, isPrivate) => {
  expect(isPrivateHost(host)).toBe(isPrivate)
})

describe('the URL that is called', () => {
  const api = 'https://api.example.com'
  test.each([
    ['only a host', api, `${api}/v1/chat/completions`],
    ['a slash', `${api}/`, `${api}/v1/chat/completions`],
    ['a path without a version', `${api}/llm`, `${api}/llm/v1/chat/completions`],
    ['a path without a version and a slash', `${api}/llm/`, `${api}/llm/v1/chat/completions`],
    ['a version', `${api}/v1`, `${api}/v1/chat/completions`],
    ['a version and a slash', `${api}/v1/`, `${api}/v1/chat/completions`],
    ['a version and slashes', `${api}/v1//`, `${api}/v1/chat/completions`],
    ['a version in capitals', `${api}/V1`, `${api}/V1/chat/completions`],
    ['another version', `${api}/api/paas/v4`, `${api}/api/paas/v4/chat/completions`],
    ['a version below a path', `${api}/compatible-mode/v1`, `${api}/compatible-mode/v1/chat/completions`],
    ['a beta version', `${api}/v1beta`, `${api}/v1beta/chat/completions`],
    ['Google’s base', `${api}/v1beta/openai`, `${api}/v1beta/openai/chat/completions`],
    ['Google’s base and a slash', `${api}/v1beta/openai/`, `${api}/v1beta/openai/chat/completions`],
    ['a version before openai', `${api}/v1/openai`, `${api}/v1/openai/chat/completions`],
    ['a version after openai', `${api}/openai/v1`, `${api}/openai/v1/chat/completions`],
    ['a word that only begins like one', `${api}/version1`, `${api}/version1/v1/chat/completions`],
    ['a version in the middle', `${api}/v1/tenants/7`, `${api}/v1/tenants/7/v1/chat/completions`],
    ['the whole URL', `${api}/v1/chat/completions`, `${api}/v1/chat/completions`],
    ['the whole URL and a slash', `${api}/v1/chat/completions/`, `${api}/v1/chat/completions`],
    ['the whole URL without a version', `${api}/chat/completions`, `${api}/chat/completions`],
    ['the whole URL below a path', `${api}/a/b/chat/completions`, `${api}/a/b/chat/completions`],
    ['a query', `${api}/v1?key=a/b`, `${api}/v1/chat/completions?key=a/b`],
    ['a query after a slash', `${api}/v1/?key=a`, `${api}/v1/chat/completions?key=a`],
    ['a query with question marks', `${api}/v1?a=?&b=?`, `${api}/v1/chat/completions?a=?&b=?`],
    ['a query behind a host', `${api}?a=1`, `${api}/v1/chat/completions?a=1`],
    ['an empty query', `${api}/v1?`, `${api}/v1/chat/completions?`],
    [
      'a deployment with its version in the query',
      `${api}/openai/deployments/gpt/chat/completions?api-version=2024-10-21`,
      `${api}/openai/deployments/gpt/chat/completions?api-version=2024-10-21`,
    ],
    ['a port', `${api}:8443/v1`, `${api}:8443/v1/chat/completions`],
    ['escapes', `${api}/a%2Fb/v1`, `${api}/a%2Fb/v1/chat/completions`],
    ['a local server', 'http://localhost:11434/v1', 'http://localhost:11434/v1/chat/completions'],
  ])('comes from %s', (_, written, called) => {
    expect(joinPath(upstreamBase(written), '/chat/completions')).toBe(called)
  })

  test.each([
    ['a base', `${api}/v1`, `${api}/v1/models`],
    ['the whole URL', `${api}/v1/chat/completions?a=1`, `${api}/v1/models?a=1`],
    ['a host with the whole path', `${api}/chat/completions`, `${api}/models`],
  ])('for other paths has the same base: %s', (_, written, called) => {
    expect(joinPath(upstreamBase(written), '/models')).toBe(called)
  })
})
