import type { StormResult, StormRun, StormScene } from './results.ts'
import { textTable } from './text-table.ts'

type Column = readonly [head: string, cell: (result: StormResult) => string]

const none = '–'

const columns: readonly Column[] = [
  ['made', ({ calls }) => String(calls)],
  ['answered', ({ answered }) => String(answered)],
  ['share', ({ answeredShare }) => percent(answeredShare)],
  ['per s', ({ goodputPerSecond }) => goodputPerSecond.toFixed(1)],
  ['of capacity', ({ goodputShare }) => percent(goodputShare)],
  ['upstream/answered', ({ upstreamPerAnswered }) => fixed(upstreamPerAnswered, 2)],
  ['p50', ({ p50Ms }) => seconds(p50Ms)],
  ['p99', ({ p99Ms }) => seconds(p99Ms)],
  ['no after', ({ failedP50Ms }) => seconds(failedP50Ms)],
  ['total', ({ totalMs }) => seconds(totalMs)],
  ['tokens wasted', ({ wastedTokens }) => String(wastedTokens)],
]

const faultColumns: readonly Column[] = [
  ['requests in it', ({ faultRequests }) => String(faultRequests)],
  ['per call', ({ faultRequestsPerCall }) => fixed(faultRequestsPerCall, 2)],
]

const recoveryColumns: readonly Column[] = [
  ['95 % again', ({ recoveredMs }) => seconds(recoveredMs)],
  ['peak/s', ({ peakPerSecond }) => fixed(peakPerSecond, 0)],
  ['× before', ({ peakRatio }) => fixed(peakRatio, 1)],
]

/** The results of a run as plain text, a table for each scene. */
export function tables({ scenes, contenders, results, seed }: StormRun): string {
  const names = contenders.map(({ name }) => name)
  return [
    ...scenes.map((scene) =>
      sceneTable(
        scene,
        results
          .filter((result) => result.scene === scene.name)
          .sort((one, other) => names.indexOf(one.contender) - names.indexOf(other.contender)),
      ),
    ),
    contenders.map(({ name, note }) => `${name}: ${note}.`).join('\n'),
    `Times in seconds. p50, p99: of answered calls; no after: median of failed ones. Upstream counts requests; tokens: input and output of answers that no caller had a use of. Seed ${seed}.`,
  ].join('\n\n')
}

function sceneTable({ name, about, fault }: StormScene, results: readonly StormResult[]): string {
  const recovers = results.some(({ peakRatio }) => peakRatio !== null)
  const shown = [...columns, ...(fault === null ? [] : faultColumns), ...(recovers ? recoveryColumns : [])]
  const rows = results.map((result) => [result.contender, ...shown.map(([, cell]) => cell(result))])
  return `${name}\n${about}\n\n${textTable(['', ...shown.map(([head]) => head)], rows)}`
}

function percent(share: number | null): string {
  return share === null ? none : `${(100 * share).toFixed(1)} %`
}

function fixed(value: number | null, digits: number): string {
  return value === null ? none : value.toFixed(digits)
}

function seconds(ms: number | null): string {
  return ms === null ? none : (ms / 1000).toFixed(ms < 10_000 ? 2 : 1)
}
