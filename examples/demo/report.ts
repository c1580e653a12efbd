import { durationText, numberText, type Report } from '@breakwater/report'
import { doingsChart, outcomesChart, requestsChart, timesChart, wasteChart } from './charts.ts'
import { lessons, periods } from './periods.ts'
import type { Play } from './play.ts'
import { requestsPerSecond } from './storm.ts'
import { secondsText, share, summaryRows } from './summary.ts'
import { tally, type Tally } from './tally.ts'

/** The page about a storm that is over. */
export function reportOf(play: Play): Report {
  const { storm, theirs, ours } = play
  const [their, our] = [tally(theirs), tally(ours)]
  const parts = periods(storm, theirs, ours)
  const endMs = Math.max(...[...theirs.calls, ...ours.calls].map(({ endedAt = 0 }) => endedAt))
  const seconds = Math.ceil(endMs / 1000)
  const phases = storm.phases.map(({ name, fromMs, toMs, isCalm }) => ({
    name,
    from: fromMs / 1000,
    to: toMs / 1000,
    isCalm,
  }))
  const fact = (label: string, text: (side: Tally) => string): Report['facts'][number] => ({
    label,
    values: [
      { name: ours.name, tone: 'first', text: text(our) },
      { name: theirs.name, tone: 'second', text: text(their) },
    ],
  })
  return {
    title: 'One storm, two handlers',
    lead: [
      `The same ${storm.calls.length} calls of the real SDK met the same failing API twice: once through \`safe_call\`, the handler that an article about Anthropic's errors recommends, and once through Breakwater's recipe.`,
      `${ours.name} answered ${our.answered} of them (${share(our.answered, our.calls)}) with ${numberText(our.requests)} requests; \`safe_call\` answered ${their.answered} (${share(their.answered, their.calls)}) with ${numberText(their.requests)}.`,
    ],
    facts: [
      fact('Calls answered', ({ answered, calls }) => share(answered, calls)),
      fact('Requests sent', ({ requests }) => numberText(requests)),
      fact('Requests wasted', ({ wasted }) => numberText(wasted)),
      fact('99 of 100 answers within', ({ p99Ms }) => durationText(p99Ms)),
    ],
    sections: [
      {
        heading: 'What was sent',
        text: [
          'Every request that reached the API. Retries turn a fault into load, which is still there when the fault is over.',
        ],
        chart: requestsChart(play, seconds, phases),
      },
      {
        heading: 'What became of the calls',
        text: [
          `Calls by the second in which they ended. Whoever got nothing within ${secondsText(storm.patienceMs)} left.`,
        ],
        chart: outcomesChart(play, seconds, phases),
      },
      {
        heading: 'Why they differ',
        text: lessons(parts, theirs.name, ours.name).map(({ name, text, numbers, why = '' }) =>
          `**${name}**: ${text}. ${numbers} ${why}`.trimEnd(),
        ),
      },
      {
        heading: 'How long an answer took',
        text: ['Answered calls by the second in which they began: the middle one, and the slowest.'],
        chart: timesChart(play, seconds, phases),
      },
      {
        heading: 'Requests that gave nobody an answer',
        text: ['By the time in which they were sent; each with the calm after it.'],
        chart: wasteChart(parts, play),
      },
      {
        heading: 'What Breakwater did meanwhile',
        text: [
          'A model that fails is left alone for a while; calls go to the other one, and nobody sends more than the limits allow.',
        ],
        chart: doingsChart(ours, seconds, phases),
      },
      {
        heading: 'The whole storm in numbers',
        tables: [
          {
            caption: 'Of all calls and requests',
            columns: [
              { name: '' },
              { name: theirs.name, isNumber: true },
              { name: ours.name, isNumber: true },
            ],
            rows: summaryRows(their, our, storm.patienceMs).map((row) => [row.name, row.theirs, row.ours]),
          },
        ],
      },
    ],
    footnotes,
  }
}

const footnotes: readonly string[] = [
  `\`npm run demo\` made this page from one run on Node ${process.versions.node}: real HTTP on this machine, real clients of \`@anthropic-ai/sdk\`, and two fake APIs with the same script by the clock and the same rate limit of ${requestsPerSecond} requests a second for each model. Every third call was a stream.`,
  '`safe_call` is the code of "The 7 Anthropic API Errors That Mean Different Things in Production", line by line in TypeScript, with its `max_retries=4`. What the article leaves open is decided in its favour: it has the same fallback, and nothing is sent any more for a caller who has left.',
  'Breakwater is `breakwater({ fallbacks })` with its defaults, but for one: a primary model that has failed is tried again after 2 seconds in place of 30, because the outage here lasts seconds.',
  'A request is wasted when it gave no caller an answer: it was refused, its stream broke, or its caller had left. Time is short here, and outages are too; what lasts minutes is in the storms on simulated time, `npm run storm`.',
]
