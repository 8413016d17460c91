import { PROMPT_VERSION } from './chat.mjs'

/**
 * Gives the gateway a provider, a model and two API keys through its own HTTP API, one of them with limits, and
 * returns the keys once they work. Also makes sure that authentication is on, or the figures would flatter.
 */
export async function provision({ port, adminKey, upstreamPort, probe }) {
  const call = async (path, key, body) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    return { status: response.status, text: await response.text() }
  }
  const create = async (path, body) => {
    const { status, text } = await call(path, adminKey, body)
    if (status !== 200 && status !== 201)
      throw new Error(`POST ${path} answered ${status}: ${text.slice(0, 500)}`)
    return JSON.parse(text)
  }
  const base_url = `http://127.0.0.1:${upstreamPort}/v1`
  await create('/api/providers/', { provider_id: 'mock', base_url, api_key: 'upstream-key' })
  const prices = { input_cost: 1, output_cost: 2 }
  const bench = { model_name: 'bench', provider_id: 'mock', upstream_model: 'bench-upstream' }
  await create('/api/models/', { ...bench, ...prices })
  // A second deployment to balance with, and fallbacks that nobody needs.
  await create('/api/providers/', { provider_id: 'mocktwo', base_url, api_key: 'upstream-key' })
  for (const [model_name, provider_id] of [
    ['bench-other', 'mocktwo'],
    ['bench-spare', 'mock'],
    ['bench-last', 'mocktwo'],
  ])
    await create('/api/models/', { model_name, provider_id, upstream_model: 'bench-upstream' })
  const models = [{ model: 'bench', weight: 2 }, { model: 'bench-other' }]
  await create('/api/load-balance-groups/', { group_id: 'bench-group', models })
  await create('/api/prompts/', { name: 'Bench', prompt_slug: 'bench-prompt' })
  await create('/api/prompts/bench-prompt/versions/', PROMPT_VERSION)
  const { api_key: apiKey } = await create('/api/api-keys/', { name: 'bench' })
  // More than any load takes.
  const values = { requests: 1e12, tokens: 1e12, cost: 1e6 }
  const limits = Object.entries(values).map(([metric, value]) => ({ metric, window: 'month', value }))
  const { api_key: limitedKey } = await create('/api/api-keys/', { name: 'bench-limited', limits })
  for (const key of [apiKey, limitedKey]) await untilServed(() => call('/v1/chat/completions', key, probe))
  const stranger = await call('/v1/chat/completions', 'sk-nobody', probe)
  if (stranger.status !== 401 && stranger.status !== 403) {
    throw new Error(`the gateway answered ${stranger.status} to an unknown key: authentication is off`)
  }
  return { apiKey, limitedKey }
}

// Configuration is a snapshot that the gateway renews in the background, so the first calls may be refused.
async function untilServed(attempt, seconds = 20) {
  for (let tries = 0; ; tries++) {
    const { status, text } = await attempt()
    if (status === 200) return
    if (tries === seconds * 2) throw new Error(`the gateway still answers ${status}: ${text.slice(0, 500)}`)
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}
