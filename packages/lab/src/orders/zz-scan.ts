import { createRandom } from '../contention.ts'
import { catalogue } from './catalogue.ts'
import { installClock } from './clock.ts'
import { examine, newTally } from './examine.ts'
import { arrangements } from './plan.ts'
import type { Part } from './stack.ts'

const parts = (process.argv[2] ?? '').split(',').filter(Boolean) as Part[]
const share = Number(process.argv[3] ?? 1)
const filter = new RegExp(process.argv[4] ?? '')
const seed = Number(process.argv[5] ?? 1)
const random = createRandom(seed)
const orders = arrangements(parts)
const clock = installClock()
console.log(catalogue.length, 'faults')
const tally = newTally()
const c0 = process.cpuUsage()
for (const order of orders) {
  for (const fault of catalogue)
    if (filter.test(fault.name) && random() < share)
      await examine({ order, fault, random: Number(process.env['R'] ?? 1) }, clock, tally)
}
const cpu = process.cpuUsage(c0)
const max = Number(process.env['MAX'] ?? 12)
const groups = new Map<string, string[]>()
for (const { law, run, what } of tally.violations) {
  const list = groups.get(law) ?? []
  groups.set(law, list)
  list.push(`${run}: ${what}`)
}
for (const [law, list] of groups) {
  console.log(`== ${law}: ${list.length}`)
  const step = Math.max(1, Math.floor(list.length / max))
  for (let i = 0; i < list.length && i / step < max; i += step) console.log('  ' + list[i])
}
console.log(tally.runs, 'runs', (cpu.user + cpu.system) / 1000 / tally.runs, 'ms cpu each')
process.exit(0)
