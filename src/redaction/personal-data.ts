import type { RedactionPattern } from '../platform/redaction-settings'

/** What is looked for: a global expression, and what else must hold of what it finds. */
export interface Pattern {
  category: string
  expression: RegExp
  isIt?(found: string): boolean
}

/**
 * Personal data by its shape. Every repetition has an end, and a match begins only where a word does, so that a text
 * that was made to be slow costs no more than a long one.
 */
export const personalData: Readonly<Record<Exclude<RedactionPattern, 'secrets'>, readonly Pattern[]>> = {
  email: [
    {
      category: 'EMAIL',
      // Behind the backslash of JSON within JSON an `n` is a line end, and no part of an address.
      expression:
        /(?:(?<=\\[nrt])|(?<![\p{L}\p{N}._%+\\-]))[\p{L}\p{N}._%+-]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}{2,24}(?![\p{L}\p{N}-])/gu,
    },
  ],
  phone: [
    {
      category: 'PHONE',
      expression: /(?<![\w.+-])(?:\+?1[ .-]?)?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\w-])/g,
    },
    {
      category: 'PHONE',
      expression: /(?<![\w+])\+\d{1,3}(?:[ .()/-]{0,2}\d{1,4}){2,7}(?!\w)/g,
      isIt: (found) => isBetween(digitsOf(found).length, 8, 15),
    },
  ],
  credit_card: [
    {
      category: 'CREDIT_CARD',
      expression: /(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])/g,
      isIt: (found) => passesLuhn(digitsOf(found)),
    },
  ],
  us_ssn: [
    {
      category: 'US_SSN',
      expression: /(?<![\w-])(?!000|666|9)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}(?![\w-])/g,
    },
  ],
  ip_address: [
    {
      category: 'IP_ADDRESS',
      expression: /(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)/g,
      isIt: (found) => found.split('.').every((part) => Number(part) <= 255),
    },
    {
      category: 'IP_ADDRESS',
      expression: /(?<![\w:])(?:[0-9a-f]{1,4}(?:::?[0-9a-f]{1,4}){2,7}|::[0-9a-f]{1,4})(?:::)?(?![\w:])/gi,
      isIt: isIpv6,
    },
  ],
}

function digitsOf(text: string): string {
  return text.replaceAll(/\D/g, '')
}

function isBetween(value: number, least: number, most: number): boolean {
  return value >= least && value <= most
}

// Eight groups, or fewer with one gap; a time of the day has neither.
function isIpv6(text: string): boolean {
  const gaps = text.split('::').length - 1
  const groups = text.split(':').filter((group) => group !== '').length
  return gaps === 1 ? groups <= 7 : gaps === 0 && groups === 8
}

/** The check digit of payment cards (ISO/IEC 7812-1, annex B). */
export function passesLuhn(digits: string): boolean {
  let sum = 0
  for (let index = 0; index < digits.length; index++) {
    const digit = Number(digits[digits.length - 1 - index])
    const doubled = index % 2 === 0 ? digit : digit * 2
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  // Nothing but zeros passes too, and is a filler.
  return sum > 0 && sum % 10 === 0
}
