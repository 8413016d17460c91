/** Of a log record in the queue: one of another version is refused, and kept as a dead letter. */
export const LOG_RECORD_VERSION = 1

/** Of a message that tells of limits that were passed, likewise. */
export const LIMITS_CROSSED_VERSION = 1
