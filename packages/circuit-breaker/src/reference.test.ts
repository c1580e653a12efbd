import type { Middleware, MiddlewareContext } from '@breakwater/core'
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { circuitBreaker } from './circuit-breaker.ts'
import { CircuitOpenError } from './circuit-open-error.ts'
import { createWindow } from './opossum-window.ts'
import { createReference, type Reference, type Outcome } from './testing/reference.ts'

const names = ['a', 'b'] as const
const name = fc.constantFrom('a', 'a', 'a', 'b')
const some = fc.option(name, { nil: undefined })
const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ kind: 'success' } as const) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('failure' as const), hintMs: fc.constant(undefined) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('failure' as const),
      hintMs: fc.constantFrom(0, 40, 300, 5000, 7_200_000),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'neutral' } as const) },
)
const step = fc.oneof(
  { weight: 16, arbitrary: fc.record({ do: fc.constant('call' as const), name, outcome }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('start' as const), name }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('end' as const), index: fc.nat(5), outcome }) },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(fc.nat(300), fc.constantFrom(100, 200, 400, 800, 1600, 30_000, 40_000, 80_000)),
    }),
  },
  // What leads far into the states, which single steps seldom do.
  { weight: 6, arbitrary: fc.record({ do: fc.constant('storm' as const), name }) },
  {
    weight: 10,
    arbitrary: fc.record({ do: fc.constant('rest' as const), parts: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('isolate' as const), some }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reset' as const), some }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
)
const options = fc
  .record({
    volumeThreshold: fc.oneof(fc.nat(3), fc.constant(20)),
    consecutiveFailures: fc.constantFrom(false as const, 1, 3, 5),
    errorThresholdPercentage: fc.constantFrom(0, 1, 33, 50, 51, 75, 100),
    windowMs: fc.constantFrom(100, 1000, 5000),
    resetMs: fc.constantFrom(0, 100, 400, 40_000),
    growth: fc.constantFrom(1, 3, 500),
    probes: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ growth, ...rest }) => ({ ...rest, maxResetMs: rest.resetMs * growth }))

const logger = { error() {}, warn() {}, info() {}, debug() {} }
const isAdmitted = (admission: object): admission is Exclude<typeof admission, { retryAfterMs: unknown }> =>
  !('retryAfterMs' in admission)

function answer(outcome: Outcome): Response {
  if (outcome.kind === 'success') return new Response('{}')
  if (outcome.kind === 'neutral') return new Response('{}', { status: 429 })
  const hintMs = outcome.kind === 'failure' ? outcome.hintMs : undefined
  const headers = hintMs === undefined ? {} : { 'retry-after-ms': String(hintMs) }
  return new Response('{}', { status: 529, headers })
}

/** A call of the breaker that somebody ends by hand. */
function start(breaker: Middleware, model: string) {
  let end = (_response: Response): void => {}
  let isSent = false
  const ctx: MiddlewareContext = {
    options: { method: 'post', path: '/v1/messages', body: { model } },
    logger,
    parse: () => Promise.reject(new Error('not used')),
  }
  const next = (): Promise<Response> => {
    isSent = true
    return new Promise((resolve) => (end = resolve))
  }
  const request = { url: 'https://api.test/v1/messages', method: 'POST', headers: new Headers() }
  const settled = breaker(request, next, ctx).catch((error: unknown) => error)
  return { isSent: () => isSent, settled, end: (response: Response) => end(response) }
}

it('does what the reference does, in any order of calls, ends, waits, hands and restarts', async () => {
  vi.useFakeTimers()
  try {
    await fc.assert(
      fc.asyncProperty(options, fc.array(step, { maxLength: 70 }), async (settings, steps) => {
        let breaker = circuitBreaker(settings)
        const reference = createReference(settings)
        type Admission = ReturnType<Reference['call']>
        const pending: {
          call: Exclude<Admission, { retryAfterMs: unknown }>
          real: ReturnType<typeof start>
        }[] = []
        const now = (): number => performance.now()
        const begin = async (model: string): Promise<boolean> => {
          const admission = reference.call(model, now())
          const real = start(breaker, model)
          if (isAdmitted(admission)) {
            expect(real.isSent()).toBe(true)
            pending.push({ call: admission as never, real })
            return true
          }
          const error = await real.settled
          expect(real.isSent()).toBe(false)
          expect(error).toBeInstanceOf(CircuitOpenError)
          expect({ retryAfterMs: (error as CircuitOpenError).retryAfterMs }).toEqual(admission)
          return false
        }
        const finish = async (index: number, outcome: Outcome): Promise<void> => {
          const [ended] = pending.splice(index % Math.max(1, pending.length), 1)
          if (ended === undefined) return
          ended.real.end(answer(outcome))
          await ended.real.settled
          reference.end(ended.call, outcome, now())
        }
        for (const action of steps) {
          if (action.do === 'call') {
            if (await begin(action.name)) await finish(pending.length - 1, action.outcome)
          } else if (action.do === 'storm') {
            for (let call = 0; call < 4; call++) {
              const isSent = await begin(action.name)
              if (isSent) await finish(pending.length - 1, { kind: 'failure', hintMs: undefined })
            }
          } else if (action.do === 'rest')
            await vi.advanceTimersByTimeAsync((settings.resetMs * action.parts) / 2)
          else if (action.do === 'start') await begin(action.name)
          else if (action.do === 'end') await finish(action.index, action.outcome)
          else if (action.do === 'wait') await vi.advanceTimersByTimeAsync(action.ms)
          else if (action.do === 'restart') {
            const restore = JSON.parse(JSON.stringify(breaker.snapshot())) as ReturnType<
              typeof breaker.snapshot
            >
            breaker = circuitBreaker({ ...settings, restore })
            reference.restart(now())
          } else {
            const key = action.some && `https://api.test ${action.some}`
            breaker[action.do](key)
            reference[action.do](action.some, now())
          }
          const { circuits } = breaker.snapshot()
          for (const model of names) {
            const circuit = circuits.find((other) => other.key === `https://api.test ${model}`)
            const sum = [0, 1].map((part) =>
              circuit?.window.reduce((total, slice) => total + slice[part]!, 0),
            )
            const leftMs = circuit?.openUntil === undefined ? undefined : circuit.openUntil - Date.now()
            const seen = circuit && [circuit.state, circuit.state === 'closed' ? sum : leftMs]
            expect(seen).toEqual(reference.look(model, now()))
          }
        }
        expect(vi.getTimerCount()).toBe(0)
      }),
      { numRuns: 500 },
    )
  } finally {
    vi.useRealTimers()
  }
}, 30_000)

it('counts exactly, for any threshold and any gaps between outcomes', () => {
  const outcomes = fc.array(fc.record({ gapMs: fc.nat(400), failed: fc.boolean() }), { maxLength: 120 })
  const percentage = fc.oneof(
    fc.nat(100),
    fc.integer({ min: 0, max: 10_000 }).map((hundredths) => hundredths / 100),
  )
  fc.assert(
    fc.property(outcomes, percentage, fc.nat(12), (list, errorThresholdPercentage, volumeThreshold) => {
      const window = createWindow({ windowMs: 1000, errorThresholdPercentage, volumeThreshold }, 5)
      let now = 5
      const seen: { tenth: number; failed: boolean }[] = []
      for (const { gapMs, failed } of list) {
        now += gapMs
        const tenth = Math.floor((now - 5) / 100)
        seen.push({ tenth, failed })
        const counted = seen.filter((other) => tenth - other.tenth < 10)
        const failures = counted.filter((other) => other.failed).length
        // In whole hundredths of a percent, so that nothing is rounded.
        const isBad = failures * 10_000 >= Math.round(errorThresholdPercentage * 100) * counted.length
        if (!failed) window.succeed(now)
        else {
          const opens = window.fail(now)
          expect(opens).toBe(isBad && counted.length >= volumeThreshold)
          if (opens) return
        }
        const total = window
          .slices(now)
          .flat()
          .reduce((sum, count) => sum + count, 0)
        expect(total).toBe(counted.length)
      }
    }),
    { numRuns: 500 },
  )
})
