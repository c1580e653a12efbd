import type { Middleware } from './middleware.ts'
import { assertOption } from './options.ts'
import { registry } from './registry.ts'

/** What a stack can do at worst. */
export interface Worst {
  /** Upstream requests of one call. */
  readonly maxRequests: number
  /** Time that one call can spend waiting between its requests, in milliseconds. */
  readonly maxWaitMs: number
}

/** Where in a stack a middleware stands: the names of the others, outermost first. */
export interface Position {
  readonly outside: readonly string[]
  readonly inside: readonly string[]
}

/** What a middleware says of itself for {@link describe}. */
export interface Description {
  readonly name: string
  /** The middlewares that it is made of, outermost first. */
  readonly parts?: readonly Middleware[] | undefined
  /** What it makes of the worst case inside it. @default the same */
  readonly worst?: ((inside: Worst) => Worst) | undefined
  /** When it ends the whole call, waits included, wherever it stands; in milliseconds. @default never */
  readonly deadlineMs?: number | undefined
  /** A sentence for a place where it works but disappoints, and the mend. */
  readonly warn?: ((position: Position) => string | undefined) | undefined
}

/** The outcome of {@link describe}. */
export interface StackDescription extends Worst {
  /** The stack and its worst case, for people. */
  readonly text: string
  /** What works but disappoints in this order, with the mend. */
  readonly warnings: readonly string[]
}

/** Gives a middleware the description that {@link describe} reads; returns the middleware. */
export function withDescription(middleware: Middleware, description: Description): Middleware {
  registry.descriptions.set(middleware, description)
  return middleware
}

/**
 * Says what a stack can do at worst, with the SDK's own retries off. Middleware of others is taken to send one
 * request and never to wait.
 *
 * @throws {TypeError} when it is given anything but middleware.
 * @example
 * ```ts
 * import { chain, describe } from '@breakwater/core'
 *
 * console.log(describe([chain()]).text)
 * ```
 */
export function describe(middleware: Middleware | readonly Middleware[]): StackDescription {
  const stack = flatten(toArray(middleware))
  const names = stack.map(({ name }) => name)
  let worst: Worst = { maxRequests: 1, maxWaitMs: 0 }
  for (const { worst: next } of stack.toReversed()) {
    if (next !== undefined) worst = next(worst)
  }
  const { maxRequests } = worst
  const maxWaitMs = Math.min(worst.maxWaitMs, ...stack.map(({ deadlineMs = Infinity }) => deadlineMs))
  const warnings = stack.flatMap(
    ({ warn }, index) => warn?.({ outside: names.slice(0, index), inside: names.slice(index + 1) }) ?? [],
  )
  const text = [
    [...names, 'upstream'].join(' → '),
    `at most ${count(maxRequests, 'request')} a call, ${maxWaitMs === 0 ? 'no waits' : `waits of at most ${maxWaitMs / 1000} s`}`,
    ...warnings.map((warning) => `warning: ${warning}`),
  ].join('\n')
  return { text, maxRequests, maxWaitMs, warnings }
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

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
