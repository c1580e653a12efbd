import { durationText, fixed, numberText, percent } from './numbers.ts'
import type { Section, Table } from './report.ts'
import { ours, type StormContender, type StormResult, type StormScene } from './storm-data.ts'

/** What a table of the overview is about. */
interface Measure {
  readonly caption: string
  readonly text: (result: StormResult) => string
  /** More of it is better. */
  readonly rank: (result: StormResult) => number
}

const measures: readonly Measure[] = [
  {
    caption: 'Calls answered, of those that were made',
    text: ({ answeredShare }) => percent(answeredShare),
    rank: tenths,
  },
  {
    caption: 'Calls answered, as a number',
    text: ({ answered }) => numberText(answered),
    rank: ({ answered }) => answered,
  },
  {
    caption: 'Requests per answered call',
    text: ({ upstreamPerAnswered }) => fixed(upstreamPerAnswered),
    rank: ({ upstreamPerAnswered }) => -(upstreamPerAnswered ?? Infinity),
  },
  {
    caption: 'What 99 % of the answered calls took at most',
    text: ({ p99Ms }) => durationText(p99Ms),
    rank: ({ p99Ms }) => -(p99Ms ?? Infinity),
  },
]

/** The recipe beside everybody who is not Breakwater, a scene a row; one measure is shown, the others are folded. */
export function stormOverview(
  scenes: readonly StormScene[],
  contenders: readonly StormContender[],
  results: readonly StormResult[],
): Section {
  const names = [ours, ...contenders.flatMap(({ name, isOurs }) => (isOurs ? [] : [name]))]
  return {
    heading: 'Everybody in every scene',
    text: [
      'The best of a row are bold. Where clients call again as soon as they have an outcome, who fails at once makes more calls: look at the share and at the number.',
    ],
    tables: measures.map((measure, index) => ({
      ...tableOf(measure, names, scenes, results),
      isFolded: index > 0,
    })),
  }
}

/** The share in tenths of a percent, as it is shown. */
export function tenths({ answeredShare }: StormResult): number {
  return Math.floor(answeredShare * 1000)
}

function tableOf(
  { caption, text, rank }: Measure,
  names: readonly string[],
  scenes: readonly StormScene[],
  results: readonly StormResult[],
): Table {
  return {
    caption,
    columns: [{ name: '' }, ...names.map((name) => ({ name, isNumber: true }))],
    rows: scenes.map((scene) => {
      const found = names.map((name) =>
        results.find((result) => result.scene === scene.name && result.contender === name),
      )
      const best = Math.max(...found.flatMap((result) => (result === undefined ? [] : [rank(result)])))
      const cells = found.map((result) => {
        if (result === undefined) return '–'
        return rank(result) === best ? `**${text(result)}**` : text(result)
      })
      return [scene.name, ...cells]
    }),
  }
}
