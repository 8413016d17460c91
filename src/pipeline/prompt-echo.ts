import { editObject } from '../platform/json-edit'
import { scanObject } from '../platform/json-scan'
import type { Known } from './record'
import type { Job } from './stages'

/** Where chat completions has room for more than it knows; a stream has none that every SDK would pass over. */
const ECHOING = 'openai-chat'

/** A whole answer with the messages that were sent, in `prompt_message`, for a request that has them from a prompt. */
export function withEcho(
  { protocol, intake }: Pick<Job, 'protocol' | 'intake'>,
  { prompt }: Known,
  body: Uint8Array,
): Uint8Array {
  if (prompt?.echoes !== true || intake.stream || protocol.id !== ECHOING) return body
  const messages = prompt.messagesJson()
  if (messages === undefined) return body
  return editObject(body, scanObject(body), { insert: new Map([['prompt_message', messages]]) })
}
