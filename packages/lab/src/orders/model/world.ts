import { touches, type Abort, type Fault, type StreamFault } from '../fault.ts'
import { failure, type Failure } from './verdicts.ts'

/** What a call, or a part of it, comes to. */
export type Result =
  | {
      readonly kind: 'answer'
      readonly model: string
      readonly stream: StreamFault | undefined
      /** When a limit ends a stream that has not begun to answer. */
      readonly endsAt?: number
      /** Told what a stream that is held comes to. */
      readonly onEnd?: (failed: Failure | undefined) => void
    }
  | Failed

/** A failing answer, or none. */
export interface Failed {
  readonly kind: 'failure'
  readonly failure: Failure
  /** Whether a retry inside has given up on it. */
  readonly isFinal?: boolean
}

/** A moment that ends what is under way: the caller's abort, or a limit. */
export interface Limit {
  readonly at: number
}

/** One circuit. */
export interface Circuit {
  failures: number
  successes: number
  /** `undefined` when closed. */
  openUntil: number | undefined
}

/** All that changes while a stack is at work. */
export interface World {
  readonly fault: Fault
  /** Where in its range each random number falls, from 0 to 1. */
  readonly random: number
  /** Whether middleware stands in a `fetch`. */
  readonly isFetch: boolean
  now: number
  /** The requests that reached upstream. */
  readonly sent: { readonly model: string; readonly at: number }[]
  touched: number
  /** The caller's abort. */
  abort: Limit | undefined
  /** Whether this is a call that follows. */
  isAgain: boolean
  /** The limits of the layers that are at work. */
  readonly limits: Limit[]
  readonly circuits: Map<string, Circuit>
  /** Until when each target is left alone, by the place of the failover. */
  readonly cooling: Map<number, Map<string, number>>
  call: CallState
  /** The failure whose body somebody is looking at. */
  looked: Failure | undefined
  /** Whether somebody looks at failures, and so bounds what of their bodies is read. */
  readonly looks: boolean
}

/** What lasts for one call. */
export interface CallState {
  /** How often the SDK has sent it again. */
  sdkRetries: number
  /** Targets that a failover around us still has. */
  targetsLeft: number
  /** How it stands with each failover. */
  readonly visits: Map<string, Visit>
  /** How a retry has given a call back to the SDK. */
  readonly kept: Map<string, Kept>
  /** The circuit that the last failure has left open: until when, and after how many requests. */
  openCircuit: { readonly until: number; readonly sent: number } | undefined
}

/** How a call stands with a failover. */
export interface Visit {
  /** The target that was tried last. */
  at: string | undefined
  /** Whether a closed keep-alive connection has been tried again. */
  isResent: boolean
}

/** What a retry has used up, and what it has given up on; `undefined` where a limit has ended it. */
export interface Kept {
  readonly tally: Tally
  readonly result: Result | undefined
  readonly sdkRetries: number
}

/** What a retry has used up. */
export interface Tally {
  readonly made: Map<string, number>
  sent: number
  cap: number
  isFreed: boolean
}

export const newCall = (): CallState => ({
  sdkRetries: 0,
  targetsLeft: 0,
  visits: new Map(),
  kept: new Map(),
  openCircuit: undefined,
})

/** Asks for a model, by way of all that stands inside. */
export type Inner = (world: World, model: string) => Result
/** `place` tells two layers of one kind apart. */
export type Layer = (inner: Inner, world: World, model: string, place: number) => Result

/** Lets time pass, up to the first limit: that one is thrown. */
export function pass(world: World, ms: number): void {
  const until = world.now + ms
  const first = world.limits.reduce<Limit | undefined>(
    (soonest, limit) => (limit.at < (soonest?.at ?? Infinity) ? limit : soonest),
    world.abort,
  )
  if (first !== undefined && first.at <= until) {
    world.now = Math.max(world.now, first.at)
    throw first
  }
  world.now = until
}

/** The abort of a fault as a moment, where it is one. */
export function limitOf(abort: Abort | undefined): Limit | undefined {
  if (abort?.kind === 'before') return { at: 0 }
  return abort?.kind === 'at' ? { at: abort.ms } : undefined
}

/** What upstream answers. */
export function upstream(world: World, model: string): Result {
  const { fault, sent } = world
  const { means, abort } = fault
  world.looked = undefined
  pass(world, 0)
  sent.push({ model, at: world.now })
  if (abort?.kind === 'request' && !world.isAgain && sent.length - 1 >= abort.index) {
    world.abort = { at: world.now }
    pass(world, 0)
  }
  const index =
    fault.isPrimaryOnly === true && !touches({ ...fault, times: Infinity }, model, 0)
      ? Infinity
      : world.touched
  const isTouched = touches(fault, model, index)
  if (isTouched) world.touched++
  if (!isTouched || means.kind === 'answer' || means.kind === 'slow')
    return { kind: 'answer', model, stream: undefined }
  switch (means.kind) {
    case 'hang':
      pass(world, Infinity)
      break
    case 'late':
      pass(world, means.afterMs)
      break
    case 'stream':
      return { kind: 'answer', model, stream: means.stream }
    case 'failure':
      // Who looks at it first takes the time; the verdict is kept with it.
      world.looked = means.failure
      if (world.looks) pass(world, means.failure.readMs)
      world.looked = undefined
      return { kind: 'failure', failure: hinted(means.failure, world.now) }
  }
  return { kind: 'answer', model, stream: undefined }
}

/** The reset of a limit is a moment: 4 s from now, and then the next whole second. */
function hinted(of: Failure, now: number): Failure {
  return Number.isNaN(of.hintMs) ? { ...of, hintMs: Math.ceil((now + 4000) / 1000) * 1000 - now } : of
}

export const circuitOpen = (waitMs: number): Failure =>
  failure('circuit_open', { hintMs: Math.ceil(waitMs), shouldRetry: false, status: 503 })
