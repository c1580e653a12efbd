import { playFaults, type FaultReports } from './describe-faults.ts'
import { draw } from './diagram.ts'
import type { Middleware } from './middleware.ts'
import { assertOption } from './options.ts'
import { registry } from './registry.ts'
import type { RehearsedMiddleware } from './rehearsal.ts'

/** What a stack can do at worst, whatever upstream answers. */
export interface Worst {
  /** Upstream requests of one call. */
  readonly maxRequests: number
  /** Time that one call can spend waiting between its requests, in milliseconds. */
  readonly maxWaitMs: number
  /** The same while a failover outside has another target to go to. @default maxWaitMs */
  readonly maxWaitToMoveMs?: number | undefined
  /** How many of the requests are sent once, however often the call comes back. @default 0 */
  readonly sentOnce?: number | undefined
  /** How often whoever sends again takes a turn with a limiter outside. @default maxRequests */
  readonly turns?: number | undefined
}

/** Where in a stack a middleware stands. */
export interface Place {
  /** The names of those outside, outermost first. */
  readonly outside: readonly string[]
  /** The names of those inside, outermost first. */
  readonly inside: readonly string[]
}

/** Where in a stack a middleware stands, and what comes of it. */
export interface Position extends Place {
  /**
   * What each fault leads to in this stack; with a name, what it would lead to if the nearest middleware of that name
   * outside, or else inside, stood on the other side of this one.
   */
  faults(name?: string): FaultReports
}

/** What a middleware says of itself for {@link describe}. */
export interface Description {
  readonly name: string
  /** The middlewares that it is made of, outermost first. */
  readonly parts?: readonly Middleware[] | undefined
  /** What it makes of the worst case inside it: never less than what can happen. @default the same */
  readonly worst?: ((inside: Worst, place: Place) => Worst) | undefined
  /**
   * Makes a miniature of it that does the same in a rehearsal as it does in a call, at its longest waits. It may
   * remember: each rehearsal has its own.
   * @default one that passes everything on, and adds what `worst` makes of it
   */
  readonly rehearse?: (() => RehearsedMiddleware) | undefined
  /** When it ends the whole call, waits included, wherever it stands; in milliseconds. @default never */
  readonly deadlineMs?: number | undefined
  /** A sentence for a place where it works but disappoints, with the mend; or several. */
  readonly warn?: ((position: Position) => string | readonly string[] | undefined) | undefined
}

/** The outcome of {@link describe}. */
export interface StackDescription extends Pick<Worst, 'maxRequests' | 'maxWaitMs'> {
  /** The stack, its worst case and what each fault leads to, for people: at most 100 columns wide. */
  readonly text: string
  /**
   * What each fault leads to where nothing else happens: waits drawn at their longest, the retry budget full, no circuit
   * open before. The rules of a `classify` are left out.
   */
  readonly faults: FaultReports
  /** What works but disappoints in this order, with the mend. */
  readonly warnings: readonly string[]
}

/** Gives a middleware the description that {@link describe} reads; returns the middleware. */
export function withDescription(middleware: Middleware, description: Description): Middleware {
  registry.descriptions.set(middleware, description)
  return middleware
}

/**
 * Says what a stack can do at worst, with the SDK's own retries off, and what the usual faults lead to. Middleware of
 * others is taken to send one request and never to wait.
 *
 * @throws {TypeError} when it is given anything but middleware.
 * @example
 * ```ts
 * import { chain, describe } from '@breakwater/core'
 *
 * const { text, faults } = describe([chain()])
 * console.log(text)
 * console.log(faults.overloaded.requests)
 * ```
 */
export function describe(middleware: Middleware | readonly Middleware[]): StackDescription {
  const stack = flatten(toArray(middleware))
  const names = stack.map(({ name }) => name)
  const deadlineMs = deadlineOf(stack)
  const worst = worstOf(stack)
  const { maxRequests } = worst
  const maxWaitMs = Math.min(worst.maxWaitMs, deadlineMs)
  const faults = faultsOf(stack)
  const warnings = stack.flatMap(({ warn }, index) => warn?.(positionOf(stack, index)) ?? [])
  const text = draw({ names, maxRequests, maxWaitMs, faults, warnings })
  return { text, maxRequests, maxWaitMs, faults, warnings }
}

/** One middleware, or several, as an array of its own. */
export function toArray(middleware: Middleware | readonly Middleware[]): readonly Middleware[] {
  const parts: readonly unknown[] = Array.isArray(middleware) ? [...middleware] : [middleware]
  return parts.map((part, index) => {
    const name = Array.isArray(middleware) ? `middleware[${index}]` : 'middleware'
    assertOption(isMiddleware(part), name, 'a middleware function', part)
    return part
  })
}

/** What a function takes cannot be seen at run time. */
function isMiddleware(part: unknown): part is Middleware {
  return typeof part === 'function'
}

function flatten(stack: readonly Middleware[]): Description[] {
  return stack.flatMap((middleware) => {
    const description = registry.descriptions.get(middleware)
    if (description === undefined) return { name: `${nameOf(middleware)} (not ours)` }
    return description.parts === undefined ? description : flatten(description.parts)
  })
}

/** The SDK's refusal fallback is a function without a name, and its place matters: it is known by what it warns of. */
function nameOf(middleware: Middleware): string {
  return middleware.name || (/betaRefusalFallbackMiddleware/.exec(String(middleware))?.[0] ?? 'anonymous')
}

function deadlineOf(stack: readonly Description[]): number {
  return Math.min(Infinity, ...stack.map(({ deadlineMs = Infinity }) => deadlineMs))
}

/** From the inside out: each says what it makes of the worst that is inside of it. */
function worstOf(stack: readonly Description[]): Worst {
  return stack.reduceRight<Worst>(
    (inside, { worst }, index) => worst?.(inside, placeOf(stack, index)) ?? inside,
    { maxRequests: 1, maxWaitMs: 0 },
  )
}

function faultsOf(stack: readonly Description[]): FaultReports {
  const make = (): readonly RehearsedMiddleware[] =>
    stack.map(({ rehearse, worst }, index) => {
      if (rehearse !== undefined) return rehearse()
      return worst === undefined ? passOn : byWorst((inside) => worst(inside, placeOf(stack, index)))
    })
  return playFaults(make, deadlineOf(stack))
}

const passOn: RehearsedMiddleware = (_rehearsal, next) => next()

/** For who has no miniature: what it makes of one pass through the inside, by its worst case. */
function byWorst(worst: (inside: Worst) => Worst): RehearsedMiddleware {
  return (rehearsal, next) => {
    const { requests, waitedMs } = rehearsal
    const result = next()
    const inside = { maxRequests: rehearsal.requests - requests, maxWaitMs: rehearsal.waitedMs - waitedMs }
    const { maxRequests, maxWaitMs } = worst(inside)
    rehearsal.add(maxRequests - inside.maxRequests, maxWaitMs - inside.maxWaitMs)
    return result
  }
}

function placeOf(stack: readonly Description[], index: number): Place {
  const names = stack.map(({ name }) => name)
  return { outside: names.slice(0, index), inside: names.slice(index + 1) }
}

function positionOf(stack: readonly Description[], index: number): Position {
  return {
    ...placeOf(stack, index),
    faults: (name) => faultsOf(name === undefined ? stack : moved(stack, index, name)),
  }
}

/** The stack with the nearest of a name taken to the other side of the one at `index`. */
function moved(stack: readonly Description[], index: number, name: string): readonly Description[] {
  const isIt = (part: Description): boolean => part.name === name
  const outside = stack.slice(0, index).findLastIndex(isIt)
  const from = outside >= 0 ? outside : stack.findIndex((part, at) => at > index && isIt(part))
  const part = stack[from]
  return part === undefined ? stack : stack.toSpliced(from, 1).toSpliced(index, 0, part)
}
