import * as z from 'zod'
import type { ChannelTarget } from '../alerts/channel'
import { ALERT_KINDS } from '../alerts/event'
import type { ChannelAddress } from '../platform/config-schema'
import { checkReceiverUrl } from './receivers'
import { invalidField } from './replies'
import type { ManagementContext } from './route'

const MAX_RECIPIENTS = 50
const email = z.email('must be an e-mail address')
const fields = {
  name: z.string().trim().min(1, 'must not be empty').max(200),
  url: z.string().max(2_000).optional(),
  secret: z.string().min(16, 'must have 16 characters or more').max(500).optional(),
  api_key: z.string().min(1, 'must not be empty').max(500).optional(),
  to: z.union([email.transform((one) => [one]), z.array(email).min(1).max(MAX_RECIPIENTS)]).optional(),
  from: email.optional(),
  /** Null for all. */
  events: z.array(z.enum(ALERT_KINDS)).min(1, 'must name an event, or be null for all').nullish(),
  is_paused: z.boolean().optional(),
}

/** A channel in the words of the API. */
export const channelSchema = z.strictObject({ ...fields, type: z.enum(['slack', 'email', 'webhook']) })

/** A change of one; its type stays. */
export const channelPatchSchema = z.strictObject({ ...fields, name: fields.name.optional() })

/** A channel as it is to be, whether it was there or not. */
export type GivenChannel = Omit<z.infer<typeof channelSchema>, 'name'> & { name: string }

/** Which fields a type has to have, and which it has no use for. */
const TYPES = {
  slack: { needs: ['url'], lacks: ['secret', 'api_key', 'to', 'from'] },
  webhook: { needs: ['url'], lacks: ['api_key', 'to', 'from'] },
  email: { needs: ['to', 'from'], lacks: ['secret'] },
} as const

/**
 * The target of a channel that can be sent to.
 * @throws SluiceError `validation` by the field that is wrong, without what is in it: an address may be a secret
 */
export function checkedTarget(
  env: Pick<ManagementContext['env'], 'ALLOW_PRIVATE_UPSTREAMS' | 'EMAIL'>,
  given: GivenChannel,
  target: ChannelTarget,
): ChannelTarget {
  const { type } = given
  const all: Record<string, unknown> = { ...given, url: target.url }
  for (const field of TYPES[type].needs)
    if (all[field] === undefined) throw invalidField(field, `is required for the type ${type}`)
  for (const field of TYPES[type].lacks)
    if (all[field] !== undefined) throw invalidField(field, `is not for the type ${type}`)
  if (target.url === undefined) {
    if (env.EMAIL !== undefined) return target
    throw invalidField('url', 'is required while no mail service is bound to the workers as EMAIL')
  }
  checkReceiverUrl(env, target.url, 'https://hooks.example.com/alerts')
  return target
}

/** What may be shown of where a channel leads. */
export function addressOf({ to, from }: GivenChannel, { url }: ChannelTarget): ChannelAddress {
  return {
    ...(url === undefined ? {} : { host: new URL(url).host }),
    ...(to === undefined ? {} : { to }),
    ...(from === undefined ? {} : { from }),
  }
}
