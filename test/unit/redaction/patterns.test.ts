import { describe, expect, test } from 'vitest'
import type { RedactionSettings } from '../../../src/platform/redaction-settings'
import { problemWithPattern } from '../../../src/redaction/custom-pattern'
import { passesLuhn } from '../../../src/redaction/personal-data'
import { redactorOf } from '../../../src/redaction/redactor'

const ALL: RedactionSettings = {
  enabled: true,
  patterns: ['email', 'phone', 'credit_card', 'us_ssn', 'ip_address', 'secrets'],
  replacement: '<{category}>',
}

function masked(text: string, settings: RedactionSettings = ALL): string {
  return redactorOf(settings)?.text(text) ?? text
}

/** Made here, so that no scanner takes the source for a leak. */
const join = (...parts: string[]) => parts.join('')
const letters = (count: number) => 'aB3dE6gH9kLm2nOpQ'.repeat(20).slice(0, count)

describe('what is found', () => {
  test.each([
    ['an address', 'write to ann@acme.com.', 'write to <EMAIL>.'],
    ['one with a plus and dots', 'a.b+c-d_e%f@mail.co.uk!', '<EMAIL>!'],
    ['one in brackets', '<Ann <ann@acme.com>>', '<Ann <<EMAIL>>>'],
    ['one beyond ASCII', 'grüße@bücher.example', '<EMAIL>'],
    ['one behind an escaped line end', String.raw`{"a":"x\nann@acme.com"}`, String.raw`{"a":"x\n<EMAIL>"}`],
    ['several', 'a@b.co, c@d.io', '<EMAIL>, <EMAIL>'],
    ['an American telephone', 'call (415) 555-2671 now', 'call <PHONE> now'],
    ['with dots', '415.555.2671', '<PHONE>'],
    ['with its country', '+1 415-555-2671', '<PHONE>'],
    ['a German one', '+49 30 901820', '<PHONE>'],
    ['one in a row', '+4915112345678', '<PHONE>'],
    ['a card', '4111 1111 1111 1111', '<CREDIT_CARD>'],
    ['one with hyphens', 'card 5500-0000-0000-0004,', 'card <CREDIT_CARD>,'],
    ['one of 15 digits', '378282246310005', '<CREDIT_CARD>'],
    ['a social security number', 'ssn 123-45-6789', 'ssn <US_SSN>'],
    ['an address of a machine', 'from 192.168.10.255:80', 'from <IP_ADDRESS>:80'],
    ['one at the end of a sentence', 'it is 10.0.0.1.', 'it is <IP_ADDRESS>.'],
    ['a newer one', '2001:0db8:85a3:0000:0000:8a2e:0370:7334', '<IP_ADDRESS>'],
    ['with a gap', 'fe80::1ff:fe23:4567:890a', '<IP_ADDRESS>'],
  ])('%s', (_, text, expected) => {
    expect(masked(text)).toBe(expected)
  })

  test.each([
    ['OPENAI_API_KEY', join('sk-', 'proj-', letters(48))],
    ['OPENAI_API_KEY', join('sk-', letters(48))],
    ['ANTHROPIC_API_KEY', join('sk-', 'ant-api03-', letters(80))],
    ['LANGSMITH_TOKEN', join('lsv2_', 'pt_', letters(32), '_', letters(10))],
    ['GITHUB_PAT', join('ghp_', letters(36))],
    ['GITHUB_PAT', join('github_pat_', letters(60))],
    ['GITLAB_PAT', join('glpat-', letters(20))],
    ['AWS_ACCESS_KEY_ID', join('AKIA', 'IOSFODNN7EXAMPLE')],
    ['GCP_API_KEY', join('AIza', letters(35))],
    ['GOOGLE_OAUTH_TOKEN', join('ya29.', letters(60))],
    ['AZURE_AD_CLIENT_SECRET', join('abc8Q~', letters(34))],
    ['SLACK_TOKEN', join('xoxb-', '123456789012-', letters(24))],
    ['SLACK_WEBHOOK', join('https://hooks.slack', '.com/services/T00000000/B00000000/', letters(24))],
    ['PYPI_TOKEN', join('pypi-', letters(80))],
    ['NPM_TOKEN', join('npm_', letters(36))],
    ['STRIPE_KEY', join('sk_', 'live_', letters(24))],
    ['SENDGRID_KEY', join('SG.', letters(22), '.', letters(43))],
    ['HUGGINGFACE_TOKEN', join('hf_', letters(34))],
    ['JWT', join('eyJ', letters(20), '.eyJ', letters(40), '.', letters(43))],
    ['GATEWAY_API_KEY', join(letters(8), '.', letters(32))],
    [
      'PRIVATE_KEY',
      join('-----BEGIN RSA PRIVATE', ' KEY-----\n', letters(300), '\n-----END RSA PRIVATE KEY-----'),
    ],
  ])('%s: %s', (category, secret) => {
    expect(masked(`the key is ${secret} there`)).toBe(`the key is <${category}> there`)
  })

  test('the secret key of a cloud, by the name before it', () => {
    expect(masked(`aws_secret_access_key = ${letters(40)}`)).toBe(
      'aws_secret_access_key = <AWS_SECRET_ACCESS_KEY>',
    )
    expect(masked(`commit ${letters(40)}`)).toBe(`commit ${letters(40)}`)
  })
})

describe('what is left alone', () => {
  test.each([
    'at 12:30:45 on 2026-11-21T09:30:00.123Z',
    'version 1.2.3.4567 of 300.1.2.3',
    'a number that is no card: 4111 1111 1111 1112',
    'zeros 0000 0000 0000 0000',
    'order 123456789, invoice 2026-0042-17',
    'no social security number: 000-12-3456, 666-12-3456, 912-34-5678, 123-00-4567, 123-45-0000',
    '@mention, user@localhost, a@b',
    'uuid 123e4567-e89b-12d3-a456-426614174000',
    '01a1fd7ebeb07c12a06a77de5e3b4234',
    'sk-short, ghp_short, AKIA-nothing',
    'std::vector<int>, a::b',
  ])('%s', (text) => {
    expect(masked(text)).toBe(text)
  })
})

describe('values', () => {
  const redactor = redactorOf({ enabled: true })

  test('texts, names and long numbers at any depth', () => {
    expect(
      redactor?.value({ a: ['x@y.zz', { 'k@y.zz': 1 }], card: 4111111111111111, small: 4111, none: null }),
    ).toEqual({ a: ['[REDACTED]', { '[REDACTED]': 1 }], card: '[REDACTED]', small: 4111, none: null })
  })

  test('what has nothing to mask is the very same', () => {
    const value = { a: [1, { b: 'text' }] }
    expect(redactor?.value(value)).toBe(value)
  })

  test('a picture is no text', () => {
    const picture = `data:image/png;base64,${letters(9)}${letters(40)}`
    expect(redactor?.text(picture)).toBe(picture)
    expect(redactor?.text(`${picture} a@b.cc`)).toBe(`${picture} [REDACTED]`)
  })
})

test('a replacement is taken as it is, and patterns that were not asked for are not used', () => {
  expect(
    masked('a@b.cc 10.0.0.1', { enabled: true, patterns: ['email'], replacement: '$& {category} $1' }),
  ).toBe('$& EMAIL $1 10.0.0.1')
  expect(redactorOf({ enabled: false })).toBeUndefined()
  expect(redactorOf(undefined)).toBeUndefined()
})

test.each([
  ['79927398713', true],
  ['79927398710', false],
  ['0', false],
])('Luhn of %s: %s', (digits, isRight) => {
  expect(passesLuhn(digits)).toBe(isRight)
})

describe('patterns of an operator', () => {
  test.each([
    [String.raw`EMP-\d{6}`, 'EMP-123456', '<EMPLOYEE>'],
    [String.raw`\b(?:DE|AT)\d{2}(?: \d{4}){4}\b`, 'DE12 3456 7890 1234 5678', '<EMPLOYEE>'],
    ['acct_[a-z0-9]{8,32}', 'acct_0123456789', '<EMPLOYEE>'],
    ['colou?r: [^,]{1,20}', 'colour: red,', '<EMPLOYEE>,'],
    [String.raw`\p{Lu}{3}\.\u0041`, 'ABC.A', '<EMPLOYEE>'],
  ])('%s is taken', (pattern, text, expected) => {
    expect(problemWithPattern(pattern)).toBeUndefined()
    const settings = { ...ALL, custom_patterns: [{ name: 'employee', pattern }] }
    expect(masked(text, settings)).toBe(expected)
  })

  test.each([
    ['a+', 'without an end'],
    ['(a*)*b', 'without an end'],
    ['a{2,}', 'without an end'],
    ['a{1,1000}', 'more than 256'],
    ['(?:a{1,64}){1,64}b', 'too many ways'],
    ['a{0,99}a{0,99}b', 'too many ways'],
    ['a?', 'empty text'],
    ['^', 'empty text'],
    ['(?=a)b', 'looks around'],
    ['(?<!a)b', 'looks around'],
    [String.raw`(a)\1`, 'refers back'],
    [String.raw`(?<x>a)\k<x>`, 'names a group'],
    ['(a', 'not a regular expression'],
    ['[a', 'not a regular expression'],
    ['a)', 'not a regular expression'],
    ['*', 'not a regular expression'],
  ])('%s is refused', (pattern, reason) => {
    expect(problemWithPattern(pattern)).toContain(reason)
  })
})

describe('hostile texts', () => {
  const MEGABYTE = 1_000_000
  const settings = { ...ALL, custom_patterns: [{ name: 'own', pattern: '[a-z]{1,40}-[0-9]{1,20}x' }] }

  // A pattern that goes back and forth over such a text would not come to its end before the test's time is over.
  test.each([
    ['letters', 'a'],
    ['digits', '1'],
    ['digits and spaces', '1 '],
    ['digits and dots', '1.'],
    ['pluses and digits', '+1'],
    ['almost addresses', 'a@b.'],
    ['at signs', '@'],
    ['beginnings of keys', 'sk-'],
    ['beginnings of tokens', 'eyJaaaaaaaa.'],
    ['colons', 'a:'],
    ['beginnings of private keys', '-----BEGIN RSA PRIVATE KEY-----'],
    ['names of secrets', 'aws secret = '],
    ['almost an own pattern', 'abc-123'],
  ])('of %s hide nothing that stands behind them', (_, unit) => {
    const text = masked(`${unit.repeat(MEGABYTE / unit.length)} | me@example.com`, settings)
    expect(text.slice(-20)).toMatch(/\| <EMAIL>$/)
  })
})
