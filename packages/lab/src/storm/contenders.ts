import type { Contender } from './contender.ts'
import { ours } from './ours.ts'
import { peers } from './peers.ts'
import type { Scene } from './scene.ts'
import { naiveLoop, safeCall } from './safe-call.ts'

/** All contenders, in the order of the tables. */
export const contenders: readonly Contender[] = [...peers, safeCall, naiveLoop, ...ours]

/** Who takes part in a scene: limiters only where there is a limit, a failover only where there is another model. */
export function contendersOf({ requestsPerSecond, hasFallback = false }: Scene): readonly Contender[] {
  const left = new Set([
    ...(requestsPerSecond === undefined ? ['p-limit', 'bottleneck'] : []),
    ...(hasFallback ? [] : ['modelFailover']),
  ])
  return contenders.filter(({ name }) => !left.has(name))
}
