/** What wrangler finds in both workers. */
export { IdempotentCall, Ledger, Management, SharedCall } from '../../src/consumer/index'
export { default } from '../../src/gateway'
