import { editObject } from '../platform/json-edit'
import { scanObject, valueOf } from '../platform/json-scan'
import type { Settings } from '../platform/settings'
import { redactorOf } from '../redaction/redactor'
import type { Intake } from './intake'

/** What says who is to answer, and what the gateway itself reads, is not a text of anybody's. */
const KEPT: ReadonlySet<string> = new Set(['model', 'stream', 'stream_options'])

/**
 * The request as a provider may see it: with what the settings mask in requests masked. The same intake when nothing is
 * to be masked; a form is left as it is, since its files cannot be read.
 */
export function redactedIntake(intake: Intake, settings: Settings): Intake {
  const { redaction } = settings
  if (redaction?.apply_to?.includes('requests') !== true || intake.form !== undefined) return intake
  const redactor = redactorOf(redaction)
  if (redactor === undefined) return intake
  const { bytes, members, bodyNames } = intake
  const replace = new Map<string, string>()
  for (const member of members) {
    if (KEPT.has(member.key) || bodyNames.has(member.key)) continue
    const value = valueOf(bytes, member)
    const masked = redactor.value(value)
    if (masked !== value) replace.set(member.key, JSON.stringify(masked))
  }
  if (replace.size === 0) return intake
  const clean = editObject(bytes, members, { replace })
  return { ...intake, bytes: clean, members: scanObject(clean) }
}
