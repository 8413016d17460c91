import type { Caller } from '../keys/authenticate'
import { presentLog } from '../logs/present'
import { newestRowNumber, newLogs } from '../logs/query'
import { readLogQuery } from './log-query'
import type { ManagementContext, ManagementRoute } from './route'

const POLL_MS = 1_000
/** A request may ask D1 a limited number of times (Workers, "Limits"); a client that comes again goes on where it was. */
const MAX_POLLS = 900
const POLLS_PER_HEARTBEAT = 15
const PER_POLL = 200
/** A listener that is further behind than this is told how many it missed instead. */
const MAX_LAG = 5_000
const encoder = new TextEncoder()

/** New logs as they are written, as server-sent events: an admin key sees all of them, any other key its own. */
export const tailLogRoutes: ManagementRoute[] = [
  { method: 'GET', paths: ['/api/request-logs/tail'], auth: 'any_key', logging: 'none', handle: tail },
]

async function tail(context: ManagementContext, caller: Caller): Promise<Response> {
  const { env, request, effects, background } = context
  const { where } = await readLogQuery(request, { caller, nowMs: effects.now() })
  // Also a log of an earlier time is new when it is written now.
  const always = { ...where, values: [0, Number.MAX_SAFE_INTEGER, ...where.values.slice(2)] }
  const last = Number(request.headers.get('last-event-id') ?? Number.NaN)
  const from = Number.isInteger(last) && last >= 0 ? last : await newestRowNumber(env.LOGS)
  const out = new IdentityTransformStream()
  background(follow(context, { where: always, from, out: out.writable }).catch(() => undefined))
  return new Response(out.readable, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
    },
  })
}

interface Following {
  where: Awaited<ReturnType<typeof readLogQuery>>['where']
  from: number
  out: WritableStream<Uint8Array>
}

/** Rejects when the client has left. Nothing waits in memory: what the client is too slow for is still in D1. */
async function follow({ env, request }: ManagementContext, { where, from, out }: Following): Promise<void> {
  const writer = out.getWriter()
  const say = (text: string) => writer.write(encoder.encode(text))
  await say(`retry: ${POLL_MS}\nid: ${from}\nevent: ready\ndata: {}\n\n`)
  let last = from
  for (let polls = 1; polls <= MAX_POLLS && !request.signal.aborted; polls++) {
    const found = await newLogs(env.LOGS, { where, after: last, limit: PER_POLL }).catch(() => undefined)
    if (found === undefined) await say(': the logs cannot be read right now\n\n')
    else if (found.newest - last > MAX_LAG) {
      const skipped = found.newest - last
      last = found.newest
      await say(eventOf('dropped', last, { rows: skipped }))
    } else {
      for (const { row, number } of found.rows) await say(eventOf('log', number, presentLog(row)))
      const isAll = found.rows.length < PER_POLL
      last = isAll ? Math.max(last, found.newest) : (found.rows.at(-1)?.number ?? last)
      if (!isAll) continue
    }
    if (polls % POLLS_PER_HEARTBEAT === 0) await say(`: heartbeat\nid: ${last}\n\n`)
    await scheduler.wait(POLL_MS, { signal: request.signal })
  }
  await say(eventOf('end', last, {}))
  await writer.close()
}

function eventOf(event: string, id: number, data: unknown): string {
  return `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}
