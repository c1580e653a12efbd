import type { Classification } from '@breakwater/classify'
import { BreakwaterError, isBreakwaterError } from '@breakwater/core'

/** Details of a {@link CircuitOpenError}. */
export interface CircuitOpenErrorDetails {
  /** The circuit. */
  readonly key: string
  /** When it lets a call through, in milliseconds from now. */
  readonly retryAfterMs?: number | undefined
  /** What it has opened for. */
  readonly failure?: Classification | undefined
}

/**
 * The circuit of a call is open: nothing was sent. The SDK does not retry it; under `createFetch` the caller gets a
 * `ServiceUnavailableError` with `errorCode: 'circuit_open'`.
 */
export class CircuitOpenError extends BreakwaterError {
  override name = 'CircuitOpenError'
  /** The key of the circuit: by default origin and model. */
  readonly key: string
  // Private, so that nothing which prints the error prints the text of the API.
  readonly #failure: Classification | undefined

  constructor(message: string, { key, retryAfterMs, failure }: CircuitOpenErrorDetails) {
    super(message, { code: 'circuit_open', category: 'circuit_open', retryAfterMs })
    this.key = key
    this.#failure = failure
  }

  /** The failure that has opened the circuit; `undefined` where somebody has isolated it. */
  get failure(): Classification | undefined {
    return this.#failure
  }
}

/** Whether `error` is a {@link CircuitOpenError}, of any installed copy of this package. */
export function isCircuitOpenError(error: unknown): error is CircuitOpenError {
  return isBreakwaterError(error) && error.name === 'CircuitOpenError' && 'key' in error
}
