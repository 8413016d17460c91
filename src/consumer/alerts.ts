import { type DeliverEnv, deliverAlert, giveUp } from '../alerts/deliver'
import { type DispatchEnv, dispatchEvents } from '../alerts/dispatch'
import { forgetEvents, type NewEvent, recordEvents } from '../alerts/event-store'
import { type LimitedRequest, limitEvents, noteTold } from '../alerts/limit-events'
import { runMonitors } from '../alerts/run-monitors'
import { type Drift, type DriftEnv, findDrift, forgetSums, shownDrift } from '../limits/drift'
import type { LogStoreEnv } from '../logs/log-store'
import { realEffects } from '../platform/effects'
import { report, retryLater } from './messages'

/** What alerts need of the consumer worker. */
export type AlertsEnv = DispatchEnv & DeliverEnv & Partial<DriftEnv>

type Env = LogStoreEnv & Partial<AlertsEnv>

const EVENTS_KEPT_MS = 90 * 24 * 60 * 60 * 1_000
const FORGOTTEN_PER_RUN = 90

/** Keeps what is told of limits that requests went beyond; whether there is anything new to tell. */
export async function keepLimitEvents(env: Env, requests: readonly LimitedRequest[]): Promise<boolean> {
  const events = limitEvents(requests, realEffects)
  if (events.length === 0) return false
  await recordEvents(env, events)
  noteTold(events)
  return true
}

/** Hands on what was kept; what the queue does not take now waits for the cron. */
export async function sendLimitEvents(env: Env): Promise<void> {
  const ready = readyForAlerts(env)
  if (ready === undefined) return
  await dispatchEvents(ready, realEffects.now()).catch(failed('alerts_not_queued'))
}

/** What alerts do by the clock. */
export async function runAlerts(env: Env, nowMs: number): Promise<void> {
  const ready = readyForAlerts(env)
  if (ready === undefined) return
  const unmeasured = ({ id }: { id: string }, cause: unknown) =>
    report('monitor_failed', { monitor: id, cause: String(cause) })
  await runMonitors(ready, { nowMs, effects: realEffects }, unmeasured).catch(failed('monitors_failed'))
  await compareLimits(ready, nowMs).catch(failed('limits_not_compared'))
  await dispatchEvents(ready, nowMs).catch(failed('alerts_not_queued'))
  await forgetEvents(ready, nowMs - EVENTS_KEPT_MS, FORGOTTEN_PER_RUN).catch(failed('alerts_not_forgotten'))
}

/** Tells of counters that do not say what the logs say. */
async function compareLimits(env: AlertsEnv, nowMs: number): Promise<void> {
  const { LEDGER } = env
  if (LEDGER === undefined) return
  const drifts = await findDrift({ LEDGER, LOGS: env.LOGS }, nowMs)
  await recordEvents(
    env,
    drifts.map((drift) => driftEvent(drift, nowMs)),
  )
  await forgetSums(env, nowMs)
}

function driftEvent(drift: Drift, nowMs: number): NewEvent {
  const { policyId, subject, windowStartMs } = drift.row
  return {
    id: `alert_${realEffects.newId()}`,
    dedupeKey: JSON.stringify(['drift', policyId, subject, windowStartMs]),
    kind: 'limits.drift',
    createdAtMs: nowMs,
    details: shownDrift(drift),
  }
}

type Keep = (message: Message, env: LogStoreEnv, reason: string) => Promise<void>

/** Delivers alerts, each by itself, so that one receiver does not hold up the others. */
export async function deliverAlerts(messages: readonly Message[], env: Env, keep: Keep): Promise<void> {
  const ready = readyForAlerts(env)
  await Promise.all(
    messages.map((message) =>
      ready === undefined ? retryLater(message) : deliverOne(message, { env: ready, keep, store: env }),
    ),
  )
}

async function deliverOne(
  message: Message,
  { env, keep, store }: { env: AlertsEnv; keep: Keep; store: LogStoreEnv },
): Promise<void> {
  const { body, attempts: attempt } = message
  try {
    const sent = await deliverAlert(env, { body, attempt, nowMs: realEffects.now() })
    if (sent.kind === 'sent') return message.ack()
    if (sent.isPermanent) return await keep(message, store, `the alert was not taken: ${sent.reason}`)
    report('alert_failed', { reason: sent.reason, attempt })
    retryLater(message, sent.retryAfterSeconds)
  } catch (cause) {
    report('alert_failed', { reason: String(cause), attempt })
    retryLater(message)
  }
}

/** Notes that alerts were given up, before they are kept as dead letters. */
export async function giveUpAlerts(messages: readonly Message[], env: Env): Promise<void> {
  for (const { body } of messages) await giveUp(env, body, realEffects.now()).catch(failed('alert_not_noted'))
}

function readyForAlerts(env: Env): AlertsEnv | undefined {
  const { CONFIG, ALERT_QUEUE } = env
  return CONFIG === undefined || ALERT_QUEUE === undefined ? undefined : { ...env, CONFIG, ALERT_QUEUE }
}

function failed(event: string) {
  return (cause: unknown) => report(event, { cause: String(cause) })
}
