import { durationText, fixed, numberText, percent } from './numbers.ts'
import type { Chart, Phase, Report, Section, Tone } from './report.ts'
import { ours, type StormData, type StormResult, type StormScene } from './storm-data.ts'
import { stormOverview, tenths } from './storm-overview.ts'

/** More lines than these, nobody can follow. */
const shown = [ours, 'SDK', 'safe_call', 'SDK, 8 retries']
const tones: readonly Tone[] = ['first', 'second', 'third', 'fourth']

/** The page about the storms on simulated time: plain data in, the report of `renderPage` out. */
export function stormPage({ scenes, contenders, results, goals, seed, node }: StormData): Report {
  const of = (scene: string): readonly StormResult[] => results.filter((result) => result.scene === scene)
  return {
    title: 'Storms',
    lead: [
      `${counted(scenes.length, 'way')} for an API to fail, on simulated time, and what ${counted(contenders.length, 'way')} to call it made of each. The clients are real ones of \`@anthropic-ai/sdk\`; only the clock and the network are not.`,
      winsText(scenes, results),
    ],
    facts: mostTelling(scenes, of).map(({ name, drawn }) => ({
      label: `${name}: calls answered`,
      values: drawn.map((result, index) => ({
        name: result.contender,
        tone: tones[index] ?? 'muted',
        text: percent(result.answeredShare),
      })),
    })),
    sections: [
      stormOverview(scenes, contenders, results),
      ...goalsSection(goals),
      ...scenes.map((scene) => sceneSection(scene, of(scene.name))),
      contendersSection(contenders),
    ],
    footnotes: [
      `\`npm run storm -- --report\` made this page with seed ${seed} on Node ${node.replace('v', '')}. The same seed gives the same numbers on every machine.`,
      'The charts show the recipe and the three that most people have; the tables show everybody. "Paid for nothing" counts the tokens of answers, or of beginnings of them, of which no caller had a use.',
    ],
  }
}

/** The four scenes in which those that are drawn differ most, one of each family: `outage/refused` is of `outage`. */
function mostTelling(
  scenes: readonly StormScene[],
  of: (scene: string) => readonly StormResult[],
): readonly { readonly name: string; readonly drawn: readonly StormResult[] }[] {
  const families = new Set<string>()
  return scenes
    .map(({ name }) => ({ name, drawn: drawnOf(of(name)) }))
    .sort((one, other) => spread(other.drawn) - spread(one.drawn))
    .filter(({ name }) => {
      const [family = name] = name.split('/')
      return families.size < 4 && !families.has(family) && families.add(family)
    })
}

/** The contenders that are drawn: those of the list that take part, and others where some do not. */
function drawnOf(results: readonly StormResult[]): readonly StormResult[] {
  const listed = shown.flatMap((name) => results.filter(({ contender }) => contender === name))
  const others = results.filter((result) => !listed.includes(result))
  return [...listed, ...others].slice(0, tones.length)
}

function winsText(scenes: readonly StormScene[], results: readonly StormResult[]): string {
  const best = scenes.filter(({ name }) => {
    const all = results.filter(({ scene }) => scene === name)
    const own = all.find(({ contender }) => contender === ours)
    return own !== undefined && all.every((other) => tenths(other) <= tenths(own))
  })
  return `In ${best.length} of ${scenes.length} nobody answered a larger share of the calls than the recipe.`
}

function goalsSection(goals: StormData['goals']): readonly Section[] {
  if (goals.length === 0) return []
  return [
    {
      heading: 'Goals of the project',
      tables: [
        {
          caption: 'For the recipe with its defaults',
          columns: [{ name: 'goal' }, { name: '' }],
          rows: goals.map(({ goal, isMet }) => [goal, isMet ? 'met' : 'missed']),
        },
        {
          caption: 'With their numbers',
          isFolded: true,
          columns: [{ name: 'goal' }, { name: 'measured, or where it is missed' }],
          rows: goals.map(({ goal, measured }) => [goal, measured]),
        },
      ],
    },
  ]
}

/** How far the best and the worst are apart. */
function spread(results: readonly StormResult[]): number {
  const shares = results.map(({ answeredShare }) => answeredShare)
  return Math.max(...shares) - Math.min(...shares)
}

function counted(count: number, name: string): string {
  return `${count} ${name}${count === 1 ? '' : 's'}`
}

function sceneSection(scene: StormScene, results: readonly StormResult[]): Section {
  const drawn = drawnOf(results)
  const [own, ...others] = drawn
  const text = others.map(
    ({ contender, answeredShare, upstreamPerCall }) =>
      `${contender} ${percent(answeredShare)} with ${fixed(upstreamPerCall)}`,
  )
  const lead =
    own === undefined
      ? ''
      : `${own.contender} answered ${percent(own.answeredShare)} with ${fixed(own.upstreamPerCall)} requests a call; ${text.join('; ')}.`
  return {
    heading: scene.name,
    text: [scene.about, lead],
    chart: requestsChart(scene, drawn),
    tables: [
      {
        caption: `${scene.name}: everybody`,
        isFolded: true,
        columns: [
          { name: '' },
          ...['answered', 'share', 'requests per answer', 'median', '99 %', 'in all', 'paid for nothing'].map(
            (name) => ({
              name,
              isNumber: true,
            }),
          ),
        ],
        rows: results.map((result) => [
          result.contender,
          numberText(result.answered),
          percent(result.answeredShare),
          fixed(result.upstreamPerAnswered),
          durationText(result.p50Ms),
          durationText(result.p99Ms),
          durationText(result.totalMs),
          numberText(result.wastedTokens),
        ]),
      },
    ],
  }
}

/** Points that one line has at most: on long scenes each stands for some seconds. */
const maxPoints = 120

function requestsChart({ fault }: StormScene, drawn: readonly StormResult[]): Chart {
  const seconds = Math.max(1, ...drawn.map(({ timeline }) => timeline.requests.length))
  const stepSeconds = Math.ceil(seconds / maxPoints)
  const phases: readonly Phase[] =
    fault === null
      ? []
      : [{ name: 'fault', from: fault.fromMs / 1000, to: Math.min(seconds, fault.toMs / 1000) }]
  return {
    kind: 'time',
    shape: 'lines',
    unit: 'requests per second',
    stepSeconds,
    phases,
    description: `Requests per second: ${drawn
      .map(({ contender, timeline }) => `at most ${Math.max(0, ...timeline.requests)} of ${contender}`)
      .join(', ')}.`,
    panels: [
      {
        series: drawn.map(({ contender, timeline }, index) => ({
          name: contender,
          tone: tones[index] ?? ('muted' as const),
          values: means(timeline.requests, stepSeconds),
        })),
      },
    ],
  }
}

/** The means of so many values each. */
export function means(values: readonly number[], step: number): readonly number[] {
  return Array.from({ length: Math.ceil(values.length / step) }, (_, index) => {
    const part = values.slice(index * step, (index + 1) * step)
    return part.reduce((sum, value) => sum + value, 0) / part.length
  })
}

function contendersSection(contenders: StormData['contenders']): Section {
  return {
    heading: 'Who took part',
    tables: [
      {
        caption: 'Each as a careful user would set it up',
        columns: [{ name: '' }, { name: 'set up as' }],
        rows: contenders.map(({ name, note }) => [name, note]),
      },
    ],
  }
}
