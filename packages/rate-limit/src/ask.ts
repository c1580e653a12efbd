import type { MiddlewareContext, MiddlewareRequest } from '@breakwater/core'
import { classOf, kindOf } from './call-kind.ts'
import { credentialsOf } from './credentials.ts'
import type { OfCall, Settings } from './options.ts'
import type { Rules, TokenCount } from './store.ts'
import { estimateOf, firstExperience, learnTokens, type Experience } from './tokens.ts'

/** Under which limits a call stands. */
export interface Terms {
  readonly key: string
  readonly rules: Rules
}

/** What the limits have to know of a call; the functions of the user's among it never break one. */
export interface Asker {
  /** `undefined` for a request that is not limited. */
  termsOf(request: MiddlewareRequest, ctx: MiddlewareContext): Terms | undefined
  priorityOf(request: MiddlewareRequest, ctx: MiddlewareContext): number
  tokensOf(key: string, request: MiddlewareRequest, ctx: MiddlewareContext): TokenCount
  /** Learns from what a call has used. */
  learn(key: string, request: MiddlewareRequest, tokens: TokenCount): void
}

/** Keys may be any text. */
const maxKept = 1000

/** Makes an {@link Asker}. */
export function createAsker({ key, priority, estimateTokens, rulesOf, store }: Settings): Asker {
  const credentials = credentialsOf(store)
  const experiences = new Map<string, Experience>()
  const ownKey = guarded('key', key, isText)
  const ownPriority = guarded('priority', priority, Number.isFinite)
  const ownEstimate = guarded('estimateTokens', estimateTokens, isEstimate)

  function experienceOf(name: string): Experience {
    let experience = experiences.get(name)
    if (experience === undefined) {
      if (experiences.size >= maxKept) experiences.clear()
      experience = firstExperience()
      experiences.set(name, experience)
    }
    return experience
  }

  return {
    termsOf(request, ctx) {
      const url = kindOf(request.url)
      if (url.kind === undefined) return undefined
      const modelClass = classOf(url, request, ctx)
      const own = ownKey?.(request, ctx)
      if (own !== undefined) return { key: own, rules: rulesOf(modelClass) }
      let name = url.keys.get(modelClass)
      if (name === undefined) {
        if (url.keys.size >= maxKept) url.keys.clear()
        name = modelClass === '' ? url.origin : `${url.origin} ${modelClass}`
        url.keys.set(modelClass, name)
      }
      return { key: credentials.keyOf(name, request.headers), rules: rulesOf(modelClass) }
    },
    priorityOf: (request, ctx) => ownPriority?.(request, ctx) ?? 0,
    tokensOf(name, request, ctx) {
      const own = ownEstimate?.(request, ctx)
      if (own === undefined) return estimateOf(request, ctx, experienceOf(name))
      if (typeof own !== 'number' && own.input !== undefined && own.output !== undefined) {
        return { input: own.input, output: own.output }
      }
      const guess = estimateOf(request, ctx, experienceOf(name))
      if (typeof own === 'number') return { input: own, output: guess.output }
      return { input: own.input ?? guess.input, output: own.output ?? guess.output }
    },
    learn: (name, request, tokens) => learnTokens(experienceOf(name), request.body, tokens),
  }
}

/** Nothing of the user's may break a call: what throws, or gives nonsense, is left out, with a warning the first time. */
function guarded<Value>(
  name: string,
  own: OfCall<Value> | undefined,
  isValid: (value: unknown) => boolean,
): OfCall<Value | undefined> | undefined {
  if (own === undefined) return undefined
  let isWarned = false
  return (request, ctx) => {
    let error: unknown
    try {
      const value = own(request, ctx)
      if (isValid(value)) return value
      error = new TypeError(`\`${name}\` has returned ${value === null ? 'null' : typeof value}.`)
    } catch (thrown) {
      error = thrown
    }
    if (!isWarned) {
      isWarned = true
      ctx.logger.warn(`[breakwater] \`${name}\` of rateLimit has failed: the default is used instead`, error)
    }
    return undefined
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}

function isEstimate(value: unknown): boolean {
  if (typeof value === 'number') return isCount(value)
  if (typeof value !== 'object' || value === null) return false
  const { input, output }: Partial<Record<'input' | 'output', unknown>> = value
  return (input === undefined || isCount(input)) && (output === undefined || isCount(output))
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && Number.isFinite(value)
}
