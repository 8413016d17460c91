import { fakeId } from './tokens'
import type { HeaderValues } from './wire'

/**
 * The headers that OpenAI, behind Cloudflare, sends with every reply; a gateway must not pass all of them
 * on.
 */
export function openAiHeaders(callId: number): HeaderValues {
  return {
    'openai-organization': 'org-fake',
    'openai-processing-ms': '12',
    'openai-version': '2020-10-01',
    'x-request-id': requestId(callId),
    'x-ratelimit-limit-requests': '500',
    'x-ratelimit-limit-tokens': '30000',
    'x-ratelimit-remaining-requests': '499',
    'x-ratelimit-remaining-tokens': '29962',
    'x-ratelimit-reset-requests': '120ms',
    'x-ratelimit-reset-tokens': '76ms',
    'strict-transport-security': 'max-age=31536000; includeSubDomains; preload',
    'x-content-type-options': 'nosniff',
    'access-control-expose-headers': 'X-Request-ID',
    'set-cookie': [
      '__cf_bm=fake-bm; path=/; HttpOnly; Secure',
      '_cfuvid=fake-uvid; path=/; HttpOnly; Secure',
    ],
    server: 'cloudflare',
    'cf-cache-status': 'DYNAMIC',
    'cf-ray': '907d3b3b3ea08f93-BOS',
    'alt-svc': 'h3=":443"; ma=86400',
  }
}

/** The provider's name for a call, as in its x-request-id header and in the text of some errors. */
export function requestId(callId: number): string {
  return fakeId('req_', 32, callId)
}
