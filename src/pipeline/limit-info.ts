import { isWithin } from '../limits/limit-headers'
import { shownValue } from '../limits/policy'
import type { LogLimitInfo } from '../logs/log-record'
import type { CountedLimits } from './record'

/** What the log tells of a request's limits; cost in US dollars. */
export function limitInfoOf({
  isAllowed,
  counted,
  isPriceUnknown,
}: Pick<CountedLimits, 'isAllowed' | 'counted'> & { isPriceUnknown: boolean }): LogLimitInfo {
  return {
    isAllowed,
    limits: counted.map((limit) => {
      const { policy, subject, standing } = limit
      const { id: policyId, name, scope, metric, window, action, value } = policy
      const { used, reserved, amount, windowStartMs, resetsAtMs, crossed } = standing
      return {
        ...{ name, scope, metric, window, action, policyId, subject, windowStartMs, resetsAtMs },
        currentValue: shownValue(metric, used + reserved),
        newValue: shownValue(metric, used + reserved + amount),
        limitValue: shownValue(metric, value),
        isWithinLimit: isWithin(limit),
        ...(crossed ? { crossed } : {}),
        ...(isPriceUnknown && metric === 'cost' ? { isPriceUnknown } : {}),
      }
    }),
  }
}
