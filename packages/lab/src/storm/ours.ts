import { breakwater } from 'breakwater'
import { circuitBreaker } from '@breakwater/circuit-breaker'
import type { Middleware } from '@breakwater/core'
import { jitterRetry } from '@breakwater/jitter-retry'
import { modelFailover } from '@breakwater/model-failover'
import { rateLimit } from '@breakwater/rate-limit'
import type { Contender, Env } from './contender.ts'

/** One package alone, adopted as its README says and nothing else changed. */
function alone(name: string, create: (env: Env) => readonly Middleware[]): Contender {
  return {
    name,
    note: `\`middleware: [${name}()]\`, the SDK's default for the rest`,
    isOurs: true,
    create(env) {
      const client = env.clientOf({ middleware: [...create(env)] })
      return (operation, signal) => operation(client, env.model, signal)
    },
  }
}

/** The recipe; who knows that answers can stall sets its limits, as the other contenders do, and who collects streams says so. */
function recipeOf(name: string, note: string, options: Parameters<typeof breakwater>[0]): Contender {
  return {
    name,
    note,
    isOurs: true,
    create({ clientOf, model, fallback, canStall, collects }) {
      const recipe = breakwater({
        ...(fallback !== undefined && { fallbacks: [fallback] }),
        ...(canStall && { timeout: { firstTokenMs: 10_000, idleMs: 10_000 } }),
        ...(collects && { streamGuard: { commit: 'end' } }),
        ...options,
      })
      const client = clientOf({ ...recipe })
      return (operation, signal) => operation(client, model, signal)
    },
  }
}

/** The recipe with all of its defaults. */
export const recipe: Contender = recipeOf(
  'breakwater',
  'the recipe, `new Anthropic({ ...breakwater() })`',
  {},
)

/** Breakwater's packages, and the recipe. */
export const ours: readonly Contender[] = [
  alone('jitterRetry', () => [jitterRetry()]),
  alone('circuitBreaker', () => [circuitBreaker()]),
  alone('modelFailover', ({ fallback }) =>
    fallback === undefined ? [] : [modelFailover({ to: [fallback] })],
  ),
  alone('rateLimit', () => [rateLimit()]),
  recipeOf('no rateLimit', 'the recipe with `rateLimit: false`', { rateLimit: false }),
  recipe,
]
