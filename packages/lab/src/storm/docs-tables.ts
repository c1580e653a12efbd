import { markdownTable } from '../markdown.ts'
import type { StormReport, StormResult } from './results.ts'

type Cell = (result: StormResult) => string

const none = '–'

/** What is shown of everybody: a heading, and the cell of one contender in one scene. */
const everybody: readonly (readonly [heading: string, cell: Cell])[] = [
  ['Calls answered', answered],
  ['Requests per answered call', ({ upstreamPerAnswered }) => upstreamPerAnswered?.toFixed(2) ?? none],
  ['Seconds that 99 % of the answered calls took at most', ({ p99Ms }) => seconds(p99Ms)],
]

/** What is shown of the scenes with a fault that ends. */
const faults: readonly (readonly [heading: string, cell: Cell])[] = [
  [
    'Requests in the fault, per call under way',
    ({ faultRequestsPerCall }) => faultRequestsPerCall?.toFixed(2) ?? none,
  ],
  ['Seconds from its end to 95 % of the usual goodput', ({ recoveredMs }) => seconds(recoveredMs)],
  ['The busiest second after it, times the usual rate', ({ peakRatio }) => peakRatio?.toFixed(2) ?? none],
]

/** The results of a run as Markdown: everybody who is not Breakwater beside the recipe, then its parts, then the goals. */
export function docsTables({ scenes, contenders, results, goals }: StormReport, ours = 'breakwater'): string {
  const peers = contenders.flatMap(({ name, isOurs }) => (isOurs ? [] : [name]))
  const parts = contenders.flatMap(({ name, isOurs }) => (isOurs && name !== ours ? [name] : []))
  const names = scenes.map(({ name }) => name)
  const recovering = names.filter((name) =>
    results.some(({ scene, peakRatio }) => scene === name && peakRatio !== null),
  )
  const table = (of: readonly string[], who: readonly string[], cell: Cell): string =>
    markdownTable(
      ['scene', ...who],
      of.map((scene) => [
        scene,
        ...who.map((contender) => {
          const result = results.find((one) => one.scene === scene && one.contender === contender)
          return result === undefined ? none : cell(result)
        }),
      ]),
    )
  return [
    ...everybody.map(([heading, cell]) => section(heading, table(names, [ours, ...peers], cell))),
    ...faults.map(([heading, cell]) => section(heading, table(recovering, [ours, ...peers], cell))),
    section('Calls answered by single packages', table(names, [...parts, ours], answered)),
    section(
      'The goals, and what came of them',
      goals
        .map(({ goal, isMet, measured }) => `- **${goal}: ${isMet ? 'met' : 'missed'}.** ${measured}`)
        .join('\n'),
    ),
  ].join('\n\n')
}

function section(heading: string, text: string): string {
  return `### ${heading}\n\n${text}`
}

function answered({ answered: count, answeredShare }: StormResult): string {
  return `${count.toLocaleString('en')} (${(100 * answeredShare).toFixed(1)} %)`
}

function seconds(ms: number | null): string {
  return ms === null ? none : (ms / 1000).toFixed(1)
}
