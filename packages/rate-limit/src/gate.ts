/** Closed for everybody after a refusal that says until when; then it opens step by step. */
export interface Gate {
  state: 'open' | 'closed' | 'reopening'
  /** Until when it is closed, in milliseconds of `performance.now()`. */
  until: number
  /** When it began to reopen. */
  since: number
  /** How many it has let through since then. */
  passed: number
}

/** A hint beyond an hour is a mistake, or no matter of pacing. */
export const maxHintMs = 3_600_000
/** While the first has no answer yet, so much later twice as many may follow. */
const stepMs = 250

/** A gate that is open. */
export function createGate(): Gate {
  return { state: 'open', until: 0, since: 0, passed: 0 }
}

/** Milliseconds until the next may pass. */
export function gateWaitMs(gate: Gate, now: number): number {
  if (gate.state === 'open') return 0
  if (gate.state === 'closed') {
    if (now < gate.until) return gate.until - now
    gate.state = 'reopening'
    gate.since = now
    gate.passed = 0
  }
  // One, then two more, then four.
  const step = Math.floor((now - gate.since) / stepMs)
  return gate.passed < 2 ** (step + 1) - 1 ? 0 : gate.since + (step + 1) * stepMs - now
}

/** Lets one through; returns whether it is the first since the gate was closed. */
export function pass(gate: Gate): boolean {
  return gate.state === 'reopening' && ++gate.passed === 1
}

/** Who was let through at `sentAt` has sent nothing. */
export function unpass(gate: Gate, sentAt: number): void {
  if (gate.state === 'reopening' && sentAt >= gate.since && gate.passed > 0) gate.passed--
}

/** Closes it; returns whether it was not closed before. */
export function closeGate(gate: Gate, ms: number, now: number): boolean {
  const wasClosed = gate.state === 'closed' && now < gate.until
  gate.until = Math.max(wasClosed ? gate.until : 0, now + Math.min(ms, maxHintMs))
  gate.state = 'closed'
  return !wasClosed
}

/** An answer was good whose request left at `sentAt`; returns whether that opens it. */
export function openGate(gate: Gate, sentAt: number): boolean {
  if (gate.state !== 'reopening' || sentAt < gate.since) return false
  gate.state = 'open'
  return true
}
