import { readDevVars } from '../scripts/dev-vars.mjs'

// Wrangler loads a developer's .dev.vars into the tests' workers too. Empty values hide what it holds.
const hidden = Object.keys(readDevVars(`${import.meta.dirname}/../.dev.vars`)).map((name) => [name, ''])

/** The variables of a gateway under test, in whichever way it is started. */
export const testVariables: Record<string, string> = {
  ...Object.fromEntries(hidden),
  ADMIN_KEY: 'testadmn.00000000000000000000000000000000',
  ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
  ALLOW_PRIVATE_UPSTREAMS: 'true',
}
