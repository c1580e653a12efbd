/** The longest delay that one timer can hold: `setTimeout` fires at once above it. */
export const maxTimerMs: number = 2 ** 31 - 1

/**
 * Waits for `ms` milliseconds, at most 24.8 days.
 *
 * Rejects at once with the signal's reason when `signal` aborts; timer and listener are gone when it settles.
 */
export function sleep(ms: number, signal?: AbortSignal | null): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason)
      return
    }
    const onAbort = (): void => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(
      () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      },
      Math.min(ms, maxTimerMs),
    )
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
