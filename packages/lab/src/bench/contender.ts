/** The process of one case: `contender.js <set> <bytes> <index> <warm-up in ms> <warm-up in calls>`. */
import process from 'node:process'
import { caseSets, type CaseSet } from './case-sets.ts'
import type { Turn, TurnTaken } from './measure.ts'

const [set = '', bytes, index, warmupMs, warmupCalls] = process.argv.slice(2)
const found = (await caseSets[set as CaseSet](Number(bytes)))[Number(index)]
if (found === undefined) throw new Error(`There is no case ${index} in ${set}.`)
const { call } = found

let chunk = 1

process.on('message', ({ turnMs }: Turn) => void take(turnMs).then(answer))
answer(await warmUp(Number(warmupMs), Number(warmupCalls)))

function answer(taken: TurnTaken): void {
  process.send?.(taken)
}

async function warmUp(ms: number, calls: number): Promise<TurnTaken> {
  const warm = { calls: 0, cpuMs: 0 }
  while (warm.cpuMs < ms || (warm.calls < calls && warm.cpuMs < 4 * ms)) {
    const taken = await take(ms / 8)
    warm.calls += taken.calls
    warm.cpuMs += taken.cpuMs
  }
  return warm
}

/** Calls until `ms` of processor time are spent; the clock is looked at after so many calls as take a millisecond. */
async function take(ms: number): Promise<TurnTaken> {
  const from = process.cpuUsage()
  let calls = 0
  let cpuMs = 0
  while (cpuMs < ms) {
    for (let index = 0; index < chunk; index++) await call()
    const { user, system } = process.cpuUsage(from)
    const spentMs = (user + system) / 1_000
    calls += chunk
    if (spentMs - cpuMs < 1) chunk *= 2
    cpuMs = spentMs
  }
  return { calls, cpuMs }
}
