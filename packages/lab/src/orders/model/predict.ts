import type { Fault } from '../fault.ts'
import type { Part } from '../stack.ts'
import { layers } from './layers.ts'
import { limitOf, newCall, pass, upstream, type Inner, type Limit, type Result, type World } from './world.ts'

/** What a caller gets, in a few words that are the same in all seams. */
export type Ending =
  | `answer of ${string}`
  | `status ${number}`
  | 'connection failed'
  | 'too late'
  | 'circuit open'
  | 'aborted'
  | 'stream interrupted'
  /** Of a stream that nobody guards. */
  | 'broken stream'

/** What the design says of a run. */
export interface Prediction {
  /** Of the call, and of one that follows. */
  readonly endings: readonly Ending[]
  /** The requests that reach upstream, in their order. */
  readonly sent: readonly { readonly model: string; readonly at: number }[]
}

/** How a call is made. */
export interface Setting {
  readonly order: readonly Part[]
  readonly fault: Fault
  readonly client: 'middleware' | 'createFetch' | 'fetch'
  /** The SDK's own retries. */
  readonly maxRetries: number
  /** Where in its range each random number falls. */
  readonly random: number
  readonly model: string
}

/** The reference model: a stack is the composition of its layers. */
export function predict(setting: Setting): Prediction {
  const { order, fault, client, random } = setting
  const world: World = {
    fault,
    random,
    isFetch: client !== 'middleware',
    now: 0,
    sent: [],
    touched: 0,
    abort: limitOf(fault.abort),
    isAgain: false,
    limits: [],
    circuits: new Map(),
    cooling: new Map(),
    call: newCall(),
    looked: undefined,
    looks: looks(order),
  }
  const stack = order.reduceRight<Inner>(
    (inner, part, place) => (world, model) => layers[part](inner, world, model, place),
    upstream,
  )
  const endings = [callOnce(stack, world, setting)]
  if (isRepeated(setting)) {
    world.abort = undefined
    world.isAgain = true
    world.call = newCall()
    endings.push(callOnce(stack, world, setting))
  }
  return { endings, sent: world.sent }
}

/** One call, with the SDK's own retries. */
function callOnce(stack: Inner, world: World, setting: Setting): Ending {
  try {
    for (;;) {
      const result = stack(world, setting.model)
      const waitMs = sdkWait(result, world, setting.maxRetries)
      if (waitMs === undefined) return endingOf(result, world, setting)
      pass(world, waitMs)
      if (world.isFetch) world.call = { ...newCall(), sdkRetries: world.call.sdkRetries }
      world.call.sdkRetries++
    }
  } catch (limit) {
    if (!isLimit(limit)) throw limit
    return 'aborted'
  }
}

/** Whether somebody in a stack looks at failures, and so bounds what is read of their bodies. */
export function looks(order: readonly Part[]): boolean {
  return order.some((part) => part !== 'guard' && part !== 'timeout' && part !== 'otel')
}

/** Whether another call follows: not where nobody ends what it would read. */
export function isRepeated({ fault, order }: Pick<Setting, 'fault' | 'order'>): boolean {
  return fault.isRepeated === true && (looks(order) || !hasEndlessBody(fault))
}

/** Whether a failing answer has a body that does not end. */
export function hasEndlessBody({ means }: Fault): boolean {
  return means.kind === 'failure' && means.failure.readMs > 0
}

function isLimit(value: unknown): value is Limit {
  return typeof value === 'object' && value !== null && 'at' in value
}

/** How long the SDK waits before it sends again; `undefined` where it does not. */
function sdkWait(result: Result, { call, random }: World, maxRetries: number): number | undefined {
  if (result.kind === 'answer' || call.sdkRetries >= maxRetries) return undefined
  const { category, status, shouldRetry, hintMs, isHeader } = result.failure
  if (category === 'circuit_open') return undefined
  const isResponse = status !== undefined
  if (isResponse) {
    if (result.isFinal === true || shouldRetry === false) return undefined
    const isRetried =
      shouldRetry === true || status === 408 || status === 409 || status === 429 || status >= 500
    if (!isRetried) return undefined
  }
  const ownMs = Math.min(500 * 2 ** call.sdkRetries, 8000) * (1 - random * 0.25)
  return isResponse && hintMs !== undefined && hintMs > 0 && isHeader ? hintMs : ownMs
}

function endingOf(result: Result, world: World, { order, client }: Setting): Ending {
  if (result.kind === 'failure') {
    const { category, status } = result.failure
    if (category === 'circuit_open') return 'circuit open'
    if (category === 'timeout') return 'too late'
    if (status === undefined) return 'connection failed'
    // Where nobody bounds its body, the reader waits until the caller has had enough; the SDK then has the status.
    return client === 'fetch' && result.failure.readMs > 0 && !world.looks ? 'aborted' : `status ${status}`
  }
  const { stream, model } = result
  if (world.fault.abort?.kind === 'event') return 'aborted'
  if (stream === undefined) {
    const { means } = world.fault
    if (means.kind === 'slow') pass(world, means.lastsMs)
    return `answer of ${model}`
  }
  if (stream.how === 'stall') return order.includes('timeout') ? 'too late' : 'aborted'
  return order.includes('guard') && world.fault.isStream === true ? 'stream interrupted' : 'broken stream'
}
