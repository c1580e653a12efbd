import { inspect } from 'node:util'
import {
  callOf,
  describe as describeStack,
  isBreakwaterError,
  onEvent,
  type BreakwaterEvent,
  type Call,
  type Middleware,
} from '@breakwater/core'
import { recordingLogger } from '@breakwater/testing'
import { createCaller, endingOfError } from './caller.ts'
import type { VirtualClock } from './clock.ts'
import { isRepeated, type Setting } from './model/predict.ts'
import type { Observation, Outcome, Returned } from './observation.ts'
import { rejections } from './rejections.ts'
import { stackOf, telemetry } from './stack.ts'
import { createUpstream } from './upstream.ts'
import { joined, watchBody, watchSignal, type WatchedBody } from './watch.ts'

/** No run takes longer than this, in milliseconds of its own time: the SDK waits for days when it is told to. */
const limitMs = 30 * 86_400_000
/** More turns than any promise needs to come to rest, and fewer than none. */
const idleTurns = 5

/** Plays one run to its end. */
export async function play(setting: Setting, clock: VirtualClock): Promise<Observation> {
  const { order, fault, random } = setting
  const { abort, calls = 1, isStream = false } = fault
  const mathRandom = Math.random
  Math.random = () => Math.min(random, 0.999_999)
  clock.align()
  const startedAt = clock.now()
  const now = (): number => clock.now() - startedAt
  telemetry.clear()
  const rejected = rejections()

  const controller = abort === undefined ? undefined : new AbortController()
  const abortReason = new Error('The caller has changed his mind.')
  const aborted: { at?: number } = {}
  const abortNow = (): void => {
    aborted.at ??= now()
    controller?.abort(abortReason)
  }
  const first = { isOver: false }
  const upstream = createUpstream(fault, now, (index) => {
    if (abort?.kind === 'request' && index === abort.index && !first.isOver) abortNow()
  })

  const ledgers = new Set<Call>()
  const watched = new Map<AbortSignal, { readonly count: number }>()
  const returned: ({ response: Response; seen: WatchedBody } | { error: unknown })[] = []
  const look: Middleware = async (request, next, ctx) => {
    ledgers.add(callOf(request, ctx))
    const { signal } = request
    if (signal && !watched.has(signal)) watched.set(signal, watchSignal(signal))
    try {
      const response = await next(request)
      const seen: WatchedBody = { state: 'none', chunks: [] }
      returned.push({ response, seen })
      return watchBody(response, seen)
    } catch (error) {
      returned.push({ error })
      throw error
    }
  }

  const stack = stackOf(order, random, fault.holdMs)
  const { lines, logger } = recordingLogger()
  const events: { event: BreakwaterEvent; isAfter: boolean }[] = []
  const stopListening = onEvent((event) => events.push({ event, isAfter: aborted.at !== undefined }))
  const call = createCaller({
    ...setting,
    middleware: [look, ...stack],
    fetch: upstream.fetch,
    logger,
    isStream,
    onEvent(index) {
      if (abort?.kind === 'event' && index === abort.index) abortNow()
    },
  })

  if (abort?.kind === 'before') abortNow()
  const timer = abort?.kind === 'at' ? setTimeout(abortNow, abort.ms) : undefined
  const outcomes: Outcome[] = []
  const signal = controller?.signal ?? null
  let expected = 0
  const begin = (signal: AbortSignal | null): void => {
    expected++
    const end = (ending: Outcome['ending'], error?: unknown): void => {
      outcomes.push({ ending, endedAt: now(), error })
    }
    call(signal).then(
      (ending) => end(ending),
      (error: unknown) => end(endingOfError(error, signal), error),
    )
  }
  const isOver = (): boolean => outcomes.length === expected
  let atOnce = true
  const goOn = async (): Promise<void> => {
    for (let idle = 0; idle < idleTurns && !isOver();) {
      await clock.settle()
      if (isOver()) break
      if (aborted.at !== undefined && !first.isOver) atOnce = false
      if (await clock.next(startedAt + limitMs)) idle = 0
      else idle++
    }
    await clock.settle()
  }
  for (let index = 0; index < calls; index++) begin(signal)
  await goOn()
  clearTimeout(timer)
  first.isOver = true
  const sentBefore = upstream.sent().length
  const eventsBefore = events.length
  if (isRepeated(setting)) {
    begin(null)
    await goOn()
  }

  const left = {
    timers: clock.timers(),
    listeners: [...watched.values()].reduce((sum, { count }) => sum + count, 0),
    rejections: rejected.stop(),
  }
  const hangs = !isOver()
  clock.clear()
  stopListening()
  Math.random = mathRandom
  const own = outcomes.flatMap(({ error }) => (isBreakwaterError(error) ? textOf(error) : []))
  const written = [
    ...own,
    ...lines.map((line) => inspect(line, { depth: 9 })),
    JSON.stringify(events),
    JSON.stringify(telemetry.written),
    ...[...ledgers].map(({ attempts, events }) => JSON.stringify([attempts, events])),
  ]
  const firstEvents = events.slice(0, eventsBefore)
  return {
    outcomes,
    sentBefore,
    sent: upstream.sent(),
    returned: returned.map((one) => ('error' in one ? one : returnedOf(one.response, one.seen))),
    ledger: [...ledgers].reduce((sum, { attempts }) => sum + attempts.length, 0),
    events: {
      before: firstEvents.flatMap(({ event, isAfter }) => (isAfter ? [] : event.type)),
      after: firstEvents.flatMap(({ event, isAfter }) => (isAfter ? event.type : [])),
    },
    abortedAt: aborted.at,
    abortReason,
    abortedAtOnce: atOnce,
    left,
    hangs,
    written: written.join('\n'),
    counted: order.includes('otel') ? telemetry.count('breakwater.attempt.duration') : undefined,
    maxRequests: mostRequests(order, stack),
  }
}

/** By the order: the settings of all runs are the same, and a description is not cheap. */
const described = new Map<string, number>()

function mostRequests(order: Setting['order'], stack: readonly Middleware[]): number {
  const name = order.join(' ')
  const known = described.get(name) ?? describeStack(stack).maxRequests
  described.set(name, known)
  return known
}

function returnedOf({ status, headers }: Response, { state, chunks }: WatchedBody): Returned {
  return { status, headers, body: state, bytes: joined(chunks) }
}

/** What a log would make of an error of ours. */
function textOf(error: Error): string {
  return [String(error), error.stack, JSON.stringify(error), inspect(error)].join('\n')
}
