import type { Description, Position } from '@breakwater/core'
import type { Settings } from './options.ts'

/** What `modelFailover` says of itself for `describe`. */
export function descriptionOf({ targets }: Settings): Description {
  const own = targets.filter(({ fetch }) => fetch !== undefined).length
  const through = 1 + targets.filter(({ fetch, respond }) => (fetch ?? respond) === undefined).length
  // One more for a closed keep-alive connection; a `fetch` of a target passes by what stands inside.
  const requests = (inside: number): number => through * inside + own + 1
  let most = requests(1)
  return {
    name: 'modelFailover',
    worst({ maxRequests, maxWaitMs }) {
      // `describe` asks for the worst case first, and then for warnings.
      most = requests(maxRequests)
      return { maxRequests: most, maxWaitMs: through * maxWaitMs }
    },
    warn: (position) => warning(position, most),
  }
}

function warning({ outside, inside }: Position, requests: number): string | undefined {
  const warnings: string[] = []
  if (outside.includes('jitterRetry')) {
    warnings.push(
      `\`jitterRetry\` outside \`modelFailover\` goes through all targets again on each of its tries, up to ${requests} requests a try: put it inside, where each target has its retries and a patient wait gives way to the next.`,
    )
  }
  if (inside.includes('betaRefusalFallbackMiddleware (not ours)')) {
    warnings.push(
      "The SDK's `betaRefusalFallbackMiddleware` inside `modelFailover` discards the model of a target: put it outside.",
    )
  }
  return warnings.length === 0 ? undefined : warnings.join(' ')
}
