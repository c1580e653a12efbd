export { readLimits, type LimitName, type Reading } from './headers.ts'
export { memoryStore, memoryStoreDefaults, type MemoryStoreOptions } from './memory-store.ts'
export { rateLimitDefaults, type OfCall, type RateLimitObservers, type RateLimitOptions } from './options.ts'
export { isQueueError, QueueFullError, QueueWaitError, type QueueErrorDetails } from './queue-error.ts'
export { rateLimit, type RateLimit } from './rate-limit.ts'
export type {
  Change,
  Eventually,
  Facts,
  KeySnapshot,
  Lease,
  Limits,
  LimitSnapshot,
  Need,
  Penalty,
  Place,
  QueueReason,
  RateLimitSnapshot,
  RateLimitStore,
  Refusal,
  Rules,
  TokenCount,
} from './store.ts'
