import * as z from 'zod/mini'

/** What can be looked for by name. */
export const REDACTION_PATTERNS = [
  'email',
  'phone',
  'credit_card',
  'us_ssn',
  'ip_address',
  'secrets',
] as const
export type RedactionPattern = (typeof REDACTION_PATTERNS)[number]

const MOST_CUSTOM = 20
const LONGEST_PATTERN = 1_000

/** What is masked, where, and by what. */
export const redactionShape = z.strictObject({
  enabled: z.boolean(),
  patterns: z.array(z.enum(REDACTION_PATTERNS)),
  custom_patterns: z
    .array(
      z.strictObject({
        name: z
          .string()
          .check(z.regex(/^[a-z][a-z0-9_]{0,39}$/, 'must be lower-case letters, digits and underscores')),
        pattern: z.string().check(z.minLength(1), z.maxLength(LONGEST_PATTERN)),
      }),
    )
    .check(z.maxLength(MOST_CUSTOM)),
  /** `{category}` in it becomes the name of what was found. */
  replacement: z.string().check(z.minLength(1), z.maxLength(100)),
  apply_to: z.array(z.enum(['logs', 'requests'])).check(z.minLength(1, 'must name logs, requests or both')),
})

/** As it is stored; what is absent is not set. */
export const redactionSettings = z.partial(redactionShape)
export type RedactionSettings = z.infer<typeof redactionSettings>

/** What holds where nothing is set. Addresses of machines are in too many texts to be masked unasked. */
export const defaultRedaction = {
  enabled: false,
  patterns: ['email', 'phone', 'credit_card', 'us_ssn', 'secrets'],
  custom_patterns: [],
  replacement: '[REDACTED]',
  apply_to: ['logs'],
} as const
