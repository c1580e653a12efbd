import type { Classification } from '@breakwater/classify'

/** The most targets that are remembered; beyond it the one that failed longest ago is forgotten. */
const maxEntries = 1000

interface Entry {
  readonly name: string
  /** When it ends, on the clock of `now`. */
  until: number
  /** What the target failed with last. */
  failure: Classification
  /** The try that finds out whether it is back. */
  probe: Lease | undefined
}

/** A try of a target that is cooling down. */
export interface Lease {
  readonly key: string
  /** Whether it is the one try that all others wait for. */
  readonly isProbe: boolean
  /** When its place is free again, on the clock of `now`. */
  readonly until: number
  readonly entry: object
}

/** A target that failed and has not been seen well since. */
export interface CoolingTarget {
  readonly target: string
  readonly state: 'cooling' | 'probing'
  /** The category of its last failure. */
  readonly category: string
  /** Until the next call probes it, in milliseconds; 0 when it is due. */
  readonly remainingMs: number
}

/** Who is left alone, and who finds out whether that is over. Knows no time but what it is told. */
export interface Cooldowns {
  readonly size: number
  /** Whether a call may go there: not cooling, or due for a probe that nobody makes yet. */
  isOpen(key: string, now: number): boolean
  /** Says that a call goes there; `undefined` where nothing is known against it. */
  enter(key: string, now: number): Lease | undefined
  /** What it failed with last. */
  failureOf(key: string): Classification | undefined
  /** A try that was sent at `sentAt` has failed. Returns whether a cooldown begins, or begins again. */
  fail(key: string, failed: Failed, now: number): boolean
  /** A try has come back well. Returns whether that ended a cooldown. */
  succeed(lease: Lease, now: number): boolean
  /** A try has told nothing: somebody else may probe. */
  release(lease: Lease): void
  /** Forgets a cooldown, or all; returns the names of the targets. */
  reset(target: string | undefined, now: number): readonly string[]
  list(now: number): readonly CoolingTarget[]
}

/** A failure that cools a target down. */
export interface Failed {
  readonly name: string
  readonly failure: Classification
  readonly cooldownMs: number
  readonly sentAt: number
}

/** Makes {@link Cooldowns}; a probe that hangs holds its place for `leaseMs`. */
export function createCooldowns(leaseMs: number): Cooldowns {
  const entries = new Map<string, Entry>()
  /** When a cooldown ended: what was sent before that and fails says nothing new. */
  const recovered = new Map<string, number>()

  function end(key: string, now: number): void {
    entries.delete(key)
    put(recovered, key, now)
  }

  return {
    get size() {
      return entries.size
    },
    isOpen(key, now) {
      const entry = entries.get(key)
      if (entry === undefined) return true
      return now >= entry.until && (entry.probe === undefined || now >= entry.probe.until)
    },
    enter(key, now) {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      const isProbe = this.isOpen(key, now)
      const lease: Lease = { key, isProbe, until: now + leaseMs, entry }
      if (isProbe) entry.probe = lease
      return lease
    },
    failureOf: (key) => entries.get(key)?.failure,
    fail(key, { name, failure, cooldownMs, sentAt }, now) {
      if (sentAt < (recovered.get(key) ?? -Infinity)) return false
      const known = entries.get(key)
      const isCooling = known !== undefined && now < known.until
      const entry: Entry = known ?? { name, until: 0, failure, probe: undefined }
      entry.until = Math.max(entry.until, now + cooldownMs)
      entry.failure = failure
      entry.probe = undefined
      put(entries, key, entry)
      return !isCooling
    },
    succeed(lease, now) {
      // It may have been forgotten meanwhile, and have failed again since.
      if (entries.get(lease.key) !== lease.entry) return false
      end(lease.key, now)
      return true
    },
    release(lease) {
      const entry = entries.get(lease.key)
      if (entry?.probe === lease) entry.probe = undefined
    },
    reset(target, now) {
      const names = new Set<string>()
      for (const [key, { name }] of entries) {
        if (target !== undefined && name !== target) continue
        names.add(name)
        end(key, now)
      }
      return [...names]
    },
    list: (now) =>
      [...entries.values()].map(({ name, until, probe, failure }) => ({
        target: name,
        state: probe !== undefined && now < probe.until ? 'probing' : 'cooling',
        category: failure.category,
        remainingMs: Math.max(0, Math.ceil(until - now)),
      })),
  }
}

/** Keeps what was touched last. */
function put<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > maxEntries && oldest !== undefined) map.delete(oldest)
}
