export { type CoolingTarget } from './cooldowns.ts'
export { modelFailover, type ModelFailover } from './model-failover.ts'
export { modelFailoverDefaults, type ModelFailoverOptions, type Move } from './options.ts'
export type { BodyPatch, FailoverTarget, RespondInput, RespondTarget, SendTarget } from './targets.ts'
