import type { Member } from '../platform/json-scan'
import type { PromptContent, PromptMessage } from '../platform/prompt-content'
import type { PromptCall } from '../prompts/prompt-call'
import type { Intake } from './intake'

/** A rendered prompt that is to become part of a request. */
export interface Insertion {
  call: PromptCall
  content: PromptContent
  /** With the variables filled in. */
  messages: readonly PromptMessage[]
  /** The version's, as they are sent. */
  parameters: Readonly<Record<string, unknown>>
}

/** Which fields of a body are set to which JSON text. */
export type FieldEdits = Map<string, string>

/** The body's own field under a name, unless it is null; some protocols know two spellings. */
export function fieldOf(
  { members }: Pick<Intake, 'members'>,
  isName: (key: string) => boolean,
): Member | undefined {
  return members.find(({ key, kind }) => kind !== 'null' && isName(key))
}
