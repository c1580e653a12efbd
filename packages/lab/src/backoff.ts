import { backoffMs, type Jitter } from '@breakwater/jitter-retry'
import { contend, createRandom, type Backoff, type Contention } from './contention.ts'

const runs = 100
const counts = [10, 50, 100, 190]
/** Base and cap of the article's own simulator, whose first retry has twice the base. */
const row = { retries: Infinity, baseMs: 5, capMs: 2_000 }

function jittered(jitter: Jitter): Backoff {
  return (index, previousMs, random) => backoffMs({ row, index: index + 1, previousMs, jitter, random })
}

const strategies: Readonly<Record<string, Backoff>> = {
  none: () => 0,
  exponential: (index) => Math.min(row.capMs, row.baseMs * 2 ** (index + 1)),
  equal: jittered('equal'),
  full: jittered('full'),
  decorrelated: jittered('decorrelated'),
}

/** The mean of seeded runs. */
function mean(clients: number, backoff: Backoff): Contention {
  const random = createRandom(1)
  const sum = { calls: 0, timeMs: 0 }
  for (let run = 0; run < runs; run++) {
    const { calls, timeMs } = contend(clients, backoff, random)
    sum.calls += calls
    sum.timeMs += timeMs
  }
  return { calls: sum.calls / runs, timeMs: sum.timeMs / runs }
}

const names = Object.keys(strategies)
const results = new Map(
  Object.entries(strategies).map(([name, backoff]) => [
    name,
    counts.map((clients) => mean(clients, backoff)),
  ]),
)

function lines(cell: (result: Contention) => string): string[] {
  return counts.map(
    (clients, index) =>
      `| ${clients} | ${names.map((name) => cell(results.get(name)?.[index] ?? { calls: NaN, timeMs: NaN })).join(' | ')} |`,
  )
}

function chart(title: string, of: (result: Contention) => number): string[] {
  return [
    '```mermaid',
    'xychart-beta',
    `  title "${title}"`,
    `  x-axis "clients" [${counts.join(', ')}]`,
    `  y-axis "${title}"`,
    ...['equal', 'full', 'decorrelated'].map(
      (name) =>
        `  line "${name}" [${(results.get(name) ?? []).map((result) => of(result).toFixed(0)).join(', ')}]`,
    ),
    '```',
  ]
}

console.log(
  [
    `Clients that contend for one row: calls / time to the last success in ms, mean of ${runs} seeded runs.`,
    '',
    `| clients | ${names.join(' | ')} |`,
    `| --: |${names.map(() => ' --: |').join('')}`,
    ...lines(({ calls, timeMs }) => `${calls.toFixed(0)} / ${timeMs.toFixed(0)}`),
    '',
    ...chart('calls', ({ calls }) => calls),
    '',
    ...chart('milliseconds to the last success', ({ timeMs }) => timeMs),
  ].join('\n'),
)
