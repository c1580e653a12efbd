export type { PartialBlock } from './block.ts'
export type { PartialMessage } from './partial-message.ts'
export { streamGuard, streamGuardDefaults, type StreamGuardOptions } from './stream-guard.ts'
export {
  isStreamInterruptedError,
  StreamInterruptedError,
  type InterruptReason,
  type StreamInterruptedDetails,
} from './stream-interrupted-error.ts'
export type { CommitPoint } from './stream-watch.ts'
