/** What a circuit does, written down a second time and as plainly as it can be, for the tests to compare with. */

/** How the circuits of a test open and come back. */
export interface ReferenceOptions {
  readonly volumeThreshold: number
  readonly errorThresholdPercentage: number
  readonly consecutiveFailures: number | false
  readonly windowMs: number
  readonly resetMs: number
  readonly maxResetMs: number
  readonly probes: number
}

export type Outcome =
  | { readonly kind: 'success' | 'neutral' }
  | { readonly kind: 'failure'; readonly hintMs: number | undefined }

export interface Call {
  readonly name: string
  readonly epoch: number
  readonly leaseEndsAt: number
}

interface Circuit {
  state: 'closed' | 'open' | 'half_open'
  /** Calls of another one do not count. */
  epoch: number
  /** Tenths of the window are counted from here. */
  from: number
  outcomes: { tenth: number; failed: boolean }[]
  /** When the failures came since the last success. */
  row: number[]
  openUntil: number
  resetMs: number
  probing: Call[]
}

/** What it can be asked; each with the time of the moment. */
export interface Reference {
  call(name: string, now: number): Call | { retryAfterMs: number | undefined }
  end(call: Call, outcome: Outcome, now: number): void
  isolate(name: string | undefined, now: number): void
  reset(name: string | undefined, now: number): void
  look(name: string, now: number): unknown
  restart(now: number): void
}

/** All circuits of a breaker; `now` is given in. */
export function createReference(options: ReferenceOptions): Reference {
  const circuits = new Map<string, Circuit>()
  let isolated = (_name: string): boolean => false

  function of(name: string, now: number): Circuit {
    const fresh: Circuit = {
      state: 'closed',
      epoch: 0,
      from: now,
      outcomes: [],
      row: [],
      openUntil: 0,
      resetMs: options.resetMs,
      probing: [],
    }
    const circuit = circuits.get(name) ?? fresh
    circuits.set(name, circuit)
    return circuit
  }

  /** A call: admitted, or refused for so long. */
  function call(name: string, now: number): Call | { retryAfterMs: number | undefined } {
    const circuit = of(name, now)
    if (isolated(name)) return { retryAfterMs: undefined }
    if (circuit.state === 'closed') return { name, epoch: circuit.epoch, leaseEndsAt: Infinity }
    if (circuit.state === 'open') {
      if (now < circuit.openUntil) return { retryAfterMs: circuit.openUntil - now }
      move(circuit, 'half_open')
    }
    const running = circuit.probing.filter(({ leaseEndsAt }) => leaseEndsAt > now)
    if (running.length >= options.probes) {
      const firstEnd = Math.min(...running.map(({ leaseEndsAt }) => leaseEndsAt))
      return { retryAfterMs: Math.max(100, Math.min(circuit.resetMs, firstEnd - now)) }
    }
    const leaseMs = Math.min(Math.max(circuit.resetMs, 5000), 30_000)
    const call = { name, epoch: circuit.epoch, leaseEndsAt: now + leaseMs }
    circuit.probing.push(call)
    return call
  }

  function end(call: Call, outcome: Outcome, now: number): void {
    const circuit = of(call.name, now)
    if (circuit.epoch !== call.epoch) return
    circuit.probing = circuit.probing.filter((other) => other !== call)
    if (outcome.kind === 'neutral') return
    const failed = outcome.kind === 'failure'
    const hintMs = outcome.kind === 'failure' ? outcome.hintMs : undefined
    if (circuit.state === 'half_open') {
      if (!failed) close(circuit, now)
      else {
        circuit.resetMs = Math.min(2 * circuit.resetMs, options.maxResetMs)
        open(circuit, hintMs, now)
      }
      return
    }
    circuit.outcomes.push({ tenth: tenth(circuit, now), failed })
    const [successes, failures] = count(circuit, now)
    const silence = now - (circuit.row.at(-1) ?? now)
    if (!failed || silence >= options.windowMs) circuit.row = []
    if (failed) circuit.row.push(now)
    const { volumeThreshold, errorThresholdPercentage, consecutiveFailures } = options
    const total = successes + failures
    const isBad = total >= volumeThreshold && failures * 100 >= errorThresholdPercentage * total
    const isRow = consecutiveFailures !== false && circuit.row.length >= consecutiveFailures
    if (failed && (isBad || isRow)) open(circuit, hintMs, now)
  }

  function isolate(name: string | undefined, now: number): void {
    byHand(name, true, now)
  }

  function reset(name: string | undefined, now: number): void {
    byHand(name, false, now)
  }

  /** State, and the counts of a closed circuit, or the time that is left of an open one. */
  function look(name: string, now: number): unknown {
    const circuit = circuits.get(name)
    if (circuit === undefined) return undefined
    if (isolated(name)) return ['isolated', undefined]
    if (circuit.state === 'closed') return ['closed', count(circuit, now)]
    const leftMs = circuit.state === 'open' ? circuit.openUntil - now : 0
    return leftMs > 0 ? ['open', leftMs] : ['half_open', undefined]
  }

  /** A new process has none of the calls of the old one. */
  function restart(now: number): void {
    for (const circuit of circuits.values()) {
      circuit.epoch++
      circuit.probing = []
      circuit.row = []
      if (circuit.state === 'half_open') {
        circuit.state = 'open'
        circuit.openUntil = now
      }
    }
  }

  function byHand(name: string | undefined, isIsolated: boolean, now: number): void {
    const before = isolated
    isolated = (other) => (name === undefined || name === other ? isIsolated : before(other))
    for (const [other, circuit] of circuits) {
      if (name === undefined || name === other) close(circuit, now)
    }
  }

  function open(circuit: Circuit, hintMs: number | undefined, now: number): void {
    circuit.openUntil = now + Math.min(hintMs ?? circuit.resetMs, 3_600_000)
    move(circuit, 'open')
  }

  function close(circuit: Circuit, now: number): void {
    circuit.resetMs = options.resetMs
    circuit.outcomes = []
    circuit.row = []
    circuit.from = now
    move(circuit, 'closed')
  }

  function move(circuit: Circuit, state: Circuit['state']): void {
    circuit.state = state
    circuit.epoch++
    circuit.probing = []
  }

  function tenth({ from }: Circuit, now: number): number {
    return Math.floor(((now - from) * 10) / options.windowMs)
  }

  function count(circuit: Circuit, now: number): [successes: number, failures: number] {
    const current = tenth(circuit, now)
    const counted = circuit.outcomes.filter(({ tenth }) => current - tenth < 10)
    const failures = counted.filter(({ failed }) => failed).length
    return [counted.length - failures, failures]
  }

  return { call, end, isolate, reset, look, restart }
}
