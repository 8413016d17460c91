import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { raw } from '../fakes'
import { type Gateway, startGateway } from './gateway'

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway()
  await gateway.manage('POST', '/api/models/', { model_name: 'team/gpt', provider_id: 'fake' })
})
afterAll(() => gateway.close())

// What JSON.parse and JSON.stringify would not bring back: spaces, escapes, numbers, keys in odd places.
const oddFields = [
  '"x_unknown": {"a":1.0,"b":1e2,"c":12345678901234567890,"a\\u0062":"\\u00e9\\/ é 😀"},',
  '  "seed":\t-0.0, "messages" :[ {"content":"say \\"hi\\" \\ud83d\\ude00","role":"user","name":"n","zz":null} ],',
  '"max_tokens":1E1,"":"", "logit_bias":{"50256":-100.000}, "prediction": [[],{}, "]}"]',
].join('\r\n')

async function sentUpstream(model: string): Promise<string> {
  return (await gateway.upstream.waitFor((call) => call.model === model)).bodyBytes.toString()
}

describe('what a client sends', () => {
  test('goes upstream byte for byte, with only the model name spliced in', async () => {
    gateway.upstream.script('lossless', raw({ chunks: ['{"choices":[]}'] }))
    const bodyFor = (model: string) => ` {${oddFields}\n,"model" : "${model}" , "user":"u" }\n`
    const reply = await gateway.chat(bodyFor('fake/lossless'))
    expect(reply.status).toBe(200)
    expect(await sentUpstream('lossless')).toBe(bodyFor('lossless'))
  })

  test('is untouched when the provider knows the model by the same name', async () => {
    const body = `{"model":"team\\/gpt",${oddFields}}`
    await gateway.chat(body)
    expect(await sentUpstream('team/gpt')).toBe(body)
  })

  test('loses gateway parameters and nothing else', async () => {
    const parameters = {
      first: '"customer_identifier" : "c-1", ',
      middle: '"metadata": {"a": [1, {"model": "x"}]},\r\n',
      container: '"respan_params":{"thread_identifier":"t"} ,',
      last: ', "disable_log": true',
    }
    const bodyWith = ({ first, middle, container, last }: typeof parameters, model: string) =>
      `{${first}"model":"${model}", ${middle}${oddFields}, ${container}"stop":["a"]${last} }`
    const reply = await gateway.chat(bodyWith(parameters, 'fake/params'))
    expect(reply.status).toBe(200)
    const nothing = { first: '', middle: '', container: '', last: '' }
    expect(await sentUpstream('params')).toBe(bodyWith(nothing, 'params'))
  })

  test('keeps its metadata when that is for the provider, beside store', async () => {
    const bodyFor = (model: string) => `{"model":"${model}","store":true,"metadata":{"k":"v"},${oddFields}}`
    await gateway.chat(bodyFor('fake/stored'))
    expect(await sentUpstream('stored')).toBe(bodyFor('stored'))
  })

  test('of a stream has only the question for the usage added', async () => {
    const bodyFor = (model: string) => `{"model":"${model}",${oddFields}, "stream" : true}`
    const reply = await gateway.chat(bodyFor('fake/asks'))
    expect(reply.status).toBe(200)
    const question = '"stream_options":{"include_usage":true},'
    const sent = await sentUpstream('asks')
    expect(sent).toContain(question)
    expect(sent.replace(question, '')).toBe(bodyFor('asks'))
  })

  test('of a stream keeps the other options beside the question for the usage', async () => {
    const options = '{ "include_obfuscation" : false }'
    await gateway.chat(`{"model":"fake/options",${oddFields},"stream":true,"stream_options":${options}}`)
    const sent: unknown = JSON.parse(await sentUpstream('options'))
    expect(sent).toMatchObject({ stream_options: { include_obfuscation: false, include_usage: true } })
  })

  test('of a stream is untouched when the client asks for the usage itself', async () => {
    const options = '"stream":true, "stream_options" : {"x":1.0, "include_usage": true}'
    const bodyFor = (model: string) => `{"model":"${model}",${oddFields},${options}}`
    await gateway.chat(bodyFor('fake/asked'))
    expect(await sentUpstream('asked')).toBe(bodyFor('asked'))
  })
})

describe('what a provider sends', () => {
  const content = '"content":"\\u00e9 é 😀 \\/","x":1.0,"reasoning_details":[{"data":"…"}]'

  test('comes back byte for byte, with fields that nobody knows', async () => {
    const body = `\n{ "choices" :[{"index":0,"message":{"role":"assistant",${content}},"finish_reason":"stop"}],\r\n"id":"r-1","usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"cost":1e-7},"x_extra":{"n":12345678901234567890}, "a":-0.0}\n\n`
    gateway.upstream.script('reply', raw({ headers: { 'content-type': 'application/json' }, chunks: [body] }))
    const reply = await gateway.chat(`{"model":"fake/reply",${oddFields}}`)
    expect(reply.text).toBe(body)
    expect(await gateway.logOf(reply.logId)).toMatchObject({
      ...{ ending: 'completed', response_id: 'r-1', prompt_tokens: 3, completion_tokens: 2 },
    })
  })

  test('streams back byte for byte when nothing has to be taken out', async () => {
    const events = [
      ': hello\nid: 1\nretry: 10\nevent: x\n\n',
      `data:{"id":"s-1","choices":[{"index":0,"delta":{${content}}}], "x_extra" : 1.0}\n\n`,
      'data: {"choices":[{"index":0,"delta":{"usage":"1","x":"\\"usage\\":null"},"finish_reason":"stop"}]}\n\n',
      'data: {"choices":[{"index":0,"delta":{}}],"note":"no \\"usage\\": here"}\n\n',
      'data: [DONE]\n\n',
    ]
    const headers = { 'content-type': 'text/event-stream' }
    gateway.upstream.script('events', raw({ headers, chunks: events }))
    for (const options of ['', ',"stream_options":{"include_usage":true}']) {
      const reply = await gateway.chat(`{"model":"fake/events",${oddFields},"stream":true${options}}`)
      expect(reply.text).toBe(events.join(''))
      expect(reply.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    }
  })

  test('lets the headers through that a client uses, and no others', async () => {
    const { headers } = await gateway.chat({ model: 'fake/headers', messages: [{ role: 'user' }] })
    expect(headers.get('x-request-id')).toMatch(/^req_\d+$/)
    expect(headers.get('x-ratelimit-remaining-tokens')).toBe('29962')
    expect(headers.get('openai-processing-ms')).toBe('12')
    expect(
      [...headers.keys()].filter((name) => /^(set-cookie|cf-|server$|alt-svc|strict)/.test(name)),
    ).toEqual([])
  })
})
