import type { StormGoal, StormResult, StormRun } from './results.ts'
import { textTable } from './text-table.ts'

type Better = 'more' | 'less'

/** On what one contender can be in front of another. */
const measures: readonly (readonly [
  name: string,
  better: Better,
  value: (result: StormResult) => number | null,
])[] = [
  ['answered', 'more', ({ answered }) => answered],
  ['share', 'more', ({ answeredShare }) => answeredShare],
  ['goodput', 'more', ({ goodputPerSecond }) => goodputPerSecond],
  ['upstream/answered', 'less', ({ upstreamPerAnswered }) => upstreamPerAnswered],
  ['p50', 'less', ({ p50Ms }) => p50Ms],
  ['p99', 'less', ({ p99Ms }) => p99Ms],
  ['requests in the fault', 'less', ({ faultRequests }) => faultRequests],
  ['95 % again', 'less', ({ recoveredMs }) => recoveredMs],
  ['peak after it', 'less', ({ peakPerSecond }) => peakPerSecond],
  ['tokens wasted', 'less', ({ wastedTokens }) => wastedTokens],
]

/** The most requests for a call that is under way in an outage. */
const mostAmplification = 1.2
/** The most requests in a second of recovery, over the rate before. */
const mostPeak = 2

/** Compares `ours` with everybody who is not Breakwater. */
export function goalsOf({ results, contenders }: StormRun, ours = 'breakwater'): readonly StormGoal[] {
  const peers = contenders.filter(({ isOurs }) => !isOurs).map(({ name }) => name)
  const own = results.filter(({ contender }) => contender === ours)
  const other = (scene: string, contender: string): StormResult | undefined =>
    results.find((result) => result.scene === scene && result.contender === contender)
  const inScene = (name: string): readonly StormResult[] =>
    own.filter(({ scene }) => scene === name || scene.startsWith(`${name}/`))

  const pairs = own.flatMap((mine) =>
    peers.flatMap((peer) => {
      const theirs = other(mine.scene, peer)
      return theirs === undefined ? [] : [{ mine, theirs }]
    }),
  )
  const behind = pairs.filter(
    ({ mine, theirs }) => theirs.answered > mine.answered && theirs.answeredShare >= mine.answeredShare,
  )
  // Who fails at once can ask again at once: more calls, and more of them in vain.
  const fewer = pairs.filter(
    ({ mine, theirs }) => theirs.answered > mine.answered && theirs.answeredShare < mine.answeredShare,
  )
  const lower = pairs.filter(
    ({ mine, theirs }) => theirs.answered < mine.answered && theirs.answeredShare > mine.answeredShare,
  )
  const neverAhead = peers.flatMap((peer) =>
    measures.flatMap(([name, better, value]) => {
      const values = pairs
        .filter(({ theirs }) => theirs.contender === peer)
        .map(({ mine, theirs }) => [value(mine), value(theirs)] as const)
      // Nobody is in front of nothing at all, or where nobody is measured.
      const canBe = values.some(([mine, theirs]) => mine !== null && (theirs !== 0 || better === 'more'))
      const isAhead = values.some(([mine, theirs]) => isBetter(mine, theirs, better))
      return isAhead || !canBe ? [] : [`${peer}: ${name}`]
    }),
  )
  return [
    list(
      'no contender answers more calls and at least the same share of them, in any scene',
      behind.map(words),
    ),
    list('no contender answers more calls, of a smaller share', fewer.map(words)),
    list('no contender answers a larger share, of fewer calls', lower.map(words)),
    list('in front of each contender on each measure, in a scene at least', neverAhead),
    most(
      `at most ${mostAmplification} requests per call in an outage`,
      inScene('outage'),
      mostAmplification,
      (result) => result.faultRequestsPerCall,
    ),
    most(
      `at most ${mostPeak} times the rate from before, in a second after the fault`,
      own,
      mostPeak,
      (result) => result.peakRatio,
    ),
    most(
      'at most one request per call where the key is revoked or the spend limit reached',
      [...inScene('rotation'), ...inScene('spend-limit')],
      1,
      (result) => result.faultRequestsPerCall,
    ),
  ].filter((goal) => goal !== undefined)
}

/** The goals as plain text. */
export function goalsTable(goals: readonly StormGoal[]): string {
  const rows = goals.map(({ goal, isMet }) => [goal, isMet ? 'met' : 'missed'])
  const details = goals.map(({ goal, measured }) => `${goal}:\n  ${measured}`)
  return `${textTable(['goal', ''], rows)}\n\n${details.join('\n')}`
}

function isBetter(mine: number | null, theirs: number | null, better: Better): boolean {
  if (mine === null) return false
  // Who never gets there is behind.
  if (theirs === null) return true
  return better === 'more' ? mine > theirs : mine < theirs
}

function words({ mine, theirs }: { mine: StormResult; theirs: StormResult }): string {
  return `${mine.scene}: ${counts(mine)}, ${theirs.contender} ${counts(theirs)}`
}

function counts({ answered, answeredShare }: StormResult): string {
  return `${answered} (${(100 * answeredShare).toFixed(1)} %)`
}

function list(goal: string, misses: readonly string[]): StormGoal {
  return { goal, measured: misses.join('; ') || 'everywhere', isMet: misses.length === 0 }
}

function most(
  goal: string,
  results: readonly StormResult[],
  limit: number,
  value: (result: StormResult) => number | null,
): StormGoal | undefined {
  const values = results.flatMap((result) => {
    const number = value(result)
    return number === null ? [] : [{ scene: result.scene, number }]
  })
  if (values.length === 0) return undefined
  return {
    goal,
    measured: values.map(({ scene, number }) => `${scene} ${number.toFixed(2)}`).join(', '),
    isMet: values.every(({ number }) => number <= limit),
  }
}
