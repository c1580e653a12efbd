import type { Limit } from './limit.ts'

/** So much of a bucket is left as it is, for what arrives in a heap and who comes new. */
const reserve = 0.05
/** With others who use it half of it is left: below, they share it. */
const sharedReserve = 0.5
/** By so much what is said to be left and what was counted differ anyway, beside what goes at once. */
const noise = 2
/** From so many times what may be sent at once on there is something to spend. */
const leastTimes = 3
/** What is sent beyond the pace grows by e in that time, while nothing is refused; and the last of it goes as slowly. */
const growthMs = 2000

/** Whether the API holds more than goes at once anyway, and it may be spent. */
export function isDeep({ canSpend, upstreamCapacity, capacity }: Limit): boolean {
  return canSpend && upstreamCapacity >= leastTimes * capacity
}

/** What others have taken of a limit. With others about, what was spent by us counts as theirs: all have to leave as much. */
export function othersOf({ alone, upstream, upstreamCapacity }: Limit, company: number): number {
  return Math.max(0, alone - upstream) + company * (upstreamCapacity - alone)
}

/** What is left to spend beyond the pace. */
export function spareOf(limit: Limit, company: number = companyOf(limit)): number {
  const { upstreamCapacity, upstream, alone, level, spendable } = limit
  if (!isDeep(limit)) return 0
  const kept = keptOf(limit) * (1 - company) + upstreamCapacity * sharedReserve * company
  const left = Math.min(Math.min(upstream, alone) - kept, spendable - (upstreamCapacity - alone))
  return Math.max(0, left - Math.max(0, level))
}

/** How fast it may be spent, per millisecond: more with each that was, as long as the API refuses none. */
export function extraPerMs(
  { capacity, upstreamCapacity, alone }: Limit,
  spare: number,
  company: number,
): number {
  return (Math.min(capacity + upstreamCapacity - alone, spare) / growthMs) * (1 - company)
}

/** How long it takes until so much has come, at that pace and by what there is to spare, in milliseconds. */
export function spareWaitMs(limit: Limit, missing: number, perMs: number): number {
  const company = companyOf(limit)
  const spare = spareOf(limit, company)
  const evenMs = missing / perMs
  if (spare <= 0 || company === 1) return evenMs
  const { capacity, upstreamCapacity, alone } = limit
  const spent = Math.min(missing, spare)
  const ramp = Math.log1p(spent / (capacity + upstreamCapacity - alone)) + spent / spare
  return Math.min(evenMs, Math.max((growthMs * ramp) / (1 - company), (missing - spare) / perMs))
}

/** Whether there is so much of it left that no refusal can be about that. */
export function hasEnough(limit: Limit, amount: number): boolean {
  return limit.upstream > Math.max(keptOf(limit) / 2, 2 * amount)
}

/** The API has refused although there was more: what it counts is less than what it tells. */
export function narrow(limit: Limit): void {
  const { upstreamCapacity, alone, spendable } = limit
  limit.spendable = Math.min(spendable, (upstreamCapacity - alone) / 2)
}

/** How sure it is that others use the limit too, from 0 to 1. */
export function companyOf(limit: Limit): number {
  if (!isDeep(limit)) return 0
  return Math.max(0, Math.min(1, (limit.alone - limit.upstream) / (limit.capacity + noise)))
}

function keptOf({ capacity, upstreamCapacity }: Limit): number {
  return Math.max(capacity, upstreamCapacity * reserve)
}
