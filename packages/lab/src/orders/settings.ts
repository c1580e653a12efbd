/** The limits that the lab gives to `timeout`, other than any wait of a retry. */
export const limits = { attemptMs: 21_000, firstTokenMs: 24_000, idleMs: 26_000 }

/** A circuit that opens within one call. */
export const circuit = { volumeThreshold: 2, resetMs: 5000, windowMs: 300_000 }
