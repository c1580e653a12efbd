/** What a run of {@link contend} came to. */
export interface Contention {
  /** Writes that were sent, failed ones included. */
  readonly calls: number
  /** When the last client was done, in milliseconds. */
  readonly timeMs: number
}

/** The wait before retry `index` (from 0), after a wait of `previousMs`. */
export type Backoff = (index: number, previousMs: number, random: () => number) => number

interface Event {
  readonly at: number
  readonly run: (now: number) => void
}

/**
 * N clients change one row under optimistic locking, as in "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015):
 * each reads the version, writes with it, and begins again after a back-off when somebody else was faster. Every
 * message takes 10 ± 2 ms.
 */
export function contend(clients: number, backoff: Backoff, random: () => number): Contention {
  const events: Event[] = []
  let version = 0
  let calls = 0
  let timeMs = 0
  const message = (now: number, run: (now: number) => void): void =>
    push(events, { at: now + Math.max(0, 10 + 2 * normal(random)), run })

  function attempt(now: number, index: number, previousMs: number): void {
    message(now, (read) => {
      const seen = version
      message(read, (known) => {
        calls++
        message(known, (written) => {
          const won = seen === version
          if (won) version++
          message(written, (told) => {
            if (won) {
              timeMs = Math.max(timeMs, told)
              return
            }
            const waitMs = backoff(index, previousMs, random)
            push(events, { at: told + waitMs, run: (now) => attempt(now, index + 1, waitMs) })
          })
        })
      })
    })
  }

  for (let client = 0; client < clients; client++) attempt(0, 0, 0)
  for (let event = pop(events); event !== undefined; event = pop(events)) event.run(event.at)
  return { calls, timeMs }
}

/** A binary heap: the earliest event first. */
function push(heap: Event[], event: Event): void {
  let index = heap.push(event) - 1
  while (index > 0) {
    const parent = (index - 1) >> 1
    if (at(heap, parent) <= event.at) break
    swap(heap, index, parent)
    index = parent
  }
}

function pop(heap: Event[]): Event | undefined {
  const first = heap[0]
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return first
  heap[0] = last
  for (let index = 0; ;) {
    const left = 2 * index + 1
    const least = [index, left, left + 1].reduce((best, child) =>
      at(heap, child) < at(heap, best) ? child : best,
    )
    if (least === index) return first
    swap(heap, index, least)
    index = least
  }
}

function at(heap: readonly Event[], index: number): number {
  return heap[index]?.at ?? Infinity
}

function swap(heap: Event[], one: number, other: number): void {
  const [a, b] = [heap[one], heap[other]]
  if (a === undefined || b === undefined) return
  heap[one] = b
  heap[other] = a
}

/** A standard normal number (Box and Muller). */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/** A seeded generator (mulberry32): the same seed, the same run. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
