import { inspect } from 'node:util'
import { isBreakwaterError, onEvent, type Middleware } from '@breakwater/core'
import { recordingLogger } from '@breakwater/testing'
import type { VirtualClock } from '../orders/clock.ts'
import { secrets } from '../orders/fault.ts'
import { rejections } from '../orders/rejections.ts'
import { telemetry } from '../orders/stack.ts'
import { watchSignal } from '../orders/watch.ts'
import { anyCaller, type CallEnd } from './caller.ts'
import { createDice } from './dice.ts'
import { anyStack, totalMs } from './parts.ts'
import { createStranger } from './stranger.ts'

/** What calls through one stack came to. */
export interface Batch {
  readonly exchanges: number
  readonly calls: number
  /** What must not be; empty where all is well. */
  readonly problems: readonly string[]
}

/** No caller waits longer than that, in milliseconds. */
const patienceMs = 20 * 60_000
/** More turns of the event loop than any promise needs to come to rest. */
const idleTurns = 5

/** Plays calls through a random stack with a stranger behind it: the same for the same seed. */
export async function playBatch(seed: number, clock: VirtualClock): Promise<Batch> {
  const dice = createDice(seed)
  const mathRandom = Math.random
  Math.random = dice.next
  clock.align()
  telemetry.clear()
  const rejected = rejections()
  const { order, stack } = anyStack(dice)
  const stranger = createStranger(dice)
  const { lines, logger } = recordingLogger()
  const events: unknown[] = []
  const stopListening = onEvent((event) => events.push(event))
  const listeners = new Map<AbortSignal, { readonly count: number }>()
  const callers = new Set<AbortSignal>()
  const look: Middleware = (request, next) => {
    const { signal } = request
    // The SDK's own is made for one attempt, and goes with it.
    if (signal && callers.has(signal) && !listeners.has(signal)) listeners.set(signal, watchSignal(signal))
    return next(request)
  }
  const caller = anyCaller({ dice, middleware: [look, ...stack], fetch: stranger.fetch, logger })

  const problems: string[] = []
  const rounds = 1 + dice.below(4)
  let calls = 0
  for (let round = 0; round < rounds; round++) {
    const startedAt = clock.now()
    const ends: CallEnd[] = []
    const running = Array.from({ length: dice.pick([1, 1, 3]) }, () => {
      const controller = new AbortController()
      callers.add(controller.signal)
      const timer = setTimeout(() => controller.abort(), dice.chance(0.2) ? dice.below(30_000) : patienceMs)
      return caller(controller.signal).then((end) => {
        clearTimeout(timer)
        ends.push({ ...end, ms: clock.now() - startedAt })
      })
    })
    calls += running.length
    for (let idle = 0; ends.length < running.length && idle < idleTurns;) {
      await clock.settle()
      if (ends.length < running.length) idle = (await clock.next(startedAt + 2 * patienceMs)) ? 0 : idle + 1
    }
    if (ends.length < running.length) problems.push('a call hangs')
    await clock.settle()
    for (const end of ends) problems.push(...problemsOf(end, order.includes('timeout')))
    if (clock.timers() > 0) problems.push(`${clock.timers()} timers left`)
    clock.clear()
    const left = [...listeners.values()].reduce((sum, { count }) => sum + count, 0)
    if (left > 0) problems.push(`${left} listeners left`)
    listeners.clear()
    const open = stranger.bodies.filter(({ state }) => state === 'unread' || state === 'open')
    if (open.length > 0) problems.push(`${open.length} bodies left`)
  }
  const unhandled = rejected.stop()
  if (unhandled > 0) problems.push(`${unhandled} rejections unhandled`)
  stopListening()
  Math.random = mathRandom
  const written = `${lines.length > 0 ? inspect(lines, { depth: 9 }) : ''}${JSON.stringify([events, telemetry.written])}`
  for (const [name, text] of Object.entries(secrets)) {
    if (written.includes(text)) problems.push(`${name} in what is written`)
  }
  return {
    exchanges: stranger.exchanges,
    calls,
    problems: problems.map((what) => `[${order.join(' ')}] ${what}`),
  }
}

/** Errors of ours have a name for what they are; any other that begins in our code is a bug. */
const ourCode = /^\s+at .*\/packages\/(?!lab|testkit|testing)[\w-]+\/(?:src|dist)\//

function problemsOf({ error, ms, isPlain }: CallEnd, isLimited: boolean): readonly string[] {
  const problems: string[] = []
  if (isLimited && isPlain && ms > totalMs + 1000)
    problems.push(`over after ${ms} ms, for all of its totalMs`)
  if (error instanceof Error && !isBreakwaterError(error)) {
    const first = (error.stack ?? '').split('\n').find((line) => /^\s+at /.test(line)) ?? ''
    if (ourCode.test(first)) problems.push(`an error of our code: ${error.stack}`)
  }
  return problems
}
