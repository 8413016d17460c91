import * as z from 'zod'
import type { SealedCredential } from '../platform/config-schema'
import { seal } from '../platform/encryption'
import { credentialFields } from '../providers/credential-fields'
import { type GivenKey, misfit } from '../providers/credential-fit'
import { type FieldProblem, placeIn } from '../providers/credential-place'
import { credentialShape, credentialText } from '../providers/stored-credential'
import { homeOf } from '../routing/credential-home'
import { sealContext } from '../routing/resolve'
import { surroundingsOf } from '../routing/surroundings'
import { invalidField } from './replies'
import type { ManagementContext } from './route'

/** A credential's fields in a body: an API key, or what a cloud has instead. */
export const keyShape = { api_key: z.string().min(1).nullish(), ...credentialShape }

/** Whether any of a credential's fields is given, so that the credential is meant to be another. */
export function hasCredential(given: GivenKey): boolean {
  return Object.keys(keyShape).some((name) => name in given)
}

/**
 * A credential at rest: one sealed copy for each host that its provider's calls go to, each opening for that host alone.
 * `at` is the path of its fields in the body, for a refusal.
 */
export async function sealedCredential(
  context: ManagementContext,
  asked: { providerId: string; given: GivenKey; at?: string },
): Promise<SealedCredential> {
  const { env, isolate, background } = context
  const { given, at } = asked
  const refuse = ({ field, problem }: FieldProblem) =>
    invalidField(at === undefined ? field : `${at}.${field}`, problem)
  const text = credentialText(given.api_key, given) ?? ''
  const { projectId } = credentialFields(text).account ?? {}
  const around = surroundingsOf(env, await isolate.config.refreshed(background, 0))
  const home = homeOf({ providerId: asked.providerId, place: placeIn(given), projectId }, around)
  if ('wrong' in home) throw refuse(home.wrong)
  const wrong = misfit(home.auths, given)
  if (wrong !== undefined) throw refuse(wrong)
  const { providerId, urls, place } = home
  const sealed = urls.map(async (url) => {
    const copy = await seal(env.ENCRYPTION_KEY, sealContext(providerId, url), text)
    return [new URL(url).host, copy] as const
  })
  const sealedByHost = Object.fromEntries(await Promise.all(sealed))
  return { providerId, sealedByHost, ...(Object.keys(place).length === 0 ? {} : { place }) }
}
