import * as z from 'zod'
import type { AlertChannelRow, ChannelAddress } from '../platform/config-schema'
import { seal, unseal } from '../platform/encryption'

/** What of a channel must not be seen: it is sealed at rest. */
export const targetSchema = z.object({
  url: z.string().optional(),
  /** Signs what is sent. */
  secret: z.string().optional(),
  /** Opens a mail service. */
  apiKey: z.string().optional(),
})
export type ChannelTarget = z.infer<typeof targetSchema>

/** A channel that is ready to be sent to. */
export interface Channel {
  id: string
  name: string
  type: AlertChannelRow['type']
  address: ChannelAddress
  target: ChannelTarget
}

/** A target as it is stored; it opens for its own channel only. */
export function sealTarget(
  encryptionKey: string | undefined,
  channelId: string,
  target: ChannelTarget,
): Promise<string> {
  return seal(encryptionKey, contextOf(channelId), JSON.stringify(target))
}

/**
 * A stored channel with its secrets.
 * @throws SluiceError `unavailable` when ENCRYPTION_KEY is not the one that they were sealed under
 */
export async function openChannel(
  encryptionKey: string | undefined,
  row: Pick<AlertChannelRow, 'id' | 'name' | 'type' | 'address' | 'sealed'>,
): Promise<Channel> {
  const { id, name, type, address } = row
  const text = await unseal(encryptionKey, contextOf(id), row.sealed)
  return { id, name, type, address, target: targetSchema.parse(JSON.parse(text)) }
}

function contextOf(channelId: string): string {
  return `alert-channel:${channelId}`
}
