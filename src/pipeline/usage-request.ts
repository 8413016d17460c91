import type { Failure } from '../platform/failure'
import type { Target } from '../providers/target'
import type { Job } from './stages'

/** Upstreams that were seen to refuse the field, by URL: they are not asked again by this isolate. */
const refusing = new Set<string>()
const REFUSED_FIELD = /stream_options|include_usage/

/** Whether the gateway asks for the usage of a stream in the client's place, and takes it out again. */
export function asksForUsage({ intake, protocol }: Job, target: Target): boolean {
  if (!intake.stream || intake.wantsStreamUsage) return false
  if (protocol.askForStreamUsage === undefined || target.protocol !== protocol.speaks) return false
  return target.refusesStreamOptions !== true && !refusing.has(target.url)
}

/**
 * Remembers an upstream that refused a request for the field that only the gateway put there, and tells whether this
 * is such a refusal. The request may then be sent again as the client wrote it; the usage of its stream is estimated
 * unless it comes unasked.
 */
export function rememberRefusalOfUsage(failure: Failure, target: Target): boolean {
  if (failure.kind !== 'upstream_status' || (failure.status !== 400 && failure.status !== 422)) return false
  if (!REFUSED_FIELD.test(new TextDecoder().decode(failure.body))) return false
  refusing.add(target.url)
  return true
}
