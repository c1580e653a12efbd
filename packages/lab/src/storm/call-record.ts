/** What became of one call of the application. */
export interface CallRecord {
  /** When it began and ended, in milliseconds since the beginning. */
  readonly startedAt: number
  readonly endedAt: number
  /** `truncated`: the stream ended too early and nobody said so. */
  readonly end: 'answered' | 'failed' | 'truncated'
  /** The class of the error and its status, of a failure. */
  readonly error: string | undefined
  /** Input and output tokens of the answer, of which the caller has a use. */
  readonly tokens: number
  /** Who answered. */
  readonly model: string | undefined
}
