import type { Measured } from './measure.ts'
import type { BenchTable } from './results.ts'
import { median, quantile, shareOfAdded } from './stats.ts'

/** Which of the measured the others are beside. */
export interface CostTableOptions {
  readonly title: string
  /** The name of the case that does nothing but the call. */
  readonly bare: string
  /** The name of the case whose cost is 1, and what its column is called. */
  readonly unit?: { readonly name: string; readonly label: string } | undefined
}

/** What a call costs each way: median, third quartile, what is added to the bare one, and that beside the unit. */
export function costTable(
  measured: readonly Measured[],
  { title, bare, unit }: CostTableOptions,
): BenchTable {
  const base = nsOf(measured, bare)
  const theirs = unit === undefined ? undefined : nsOf(measured, unit.name)
  const rows = measured.map(({ name, ns }) => {
    const isBare = name === bare
    const cells = [name, nanoseconds(median(ns)), nanoseconds(quantile(ns, 0.75))]
    cells.push(isBare ? '' : signed(median(ns) - median(base)))
    if (theirs !== undefined) cells.push(isBare ? '' : shareOfAdded(ns, theirs, base).toFixed(2))
    return cells
  })
  const head = ['case', 'ns/call', 'p75', 'over bare', ...(unit === undefined ? [] : [unit.label])]
  return { title, head, rows }
}

/** The rounds of one case. */
export function nsOf(measured: readonly Measured[], name: string): readonly number[] {
  const found = measured.find((one) => one.name === name)
  if (found === undefined) throw new Error(`There is no case ${name}.`)
  return found.ns
}

/** With its thousands apart. */
export function nanoseconds(value: number): string {
  return Math.round(value).toLocaleString('en')
}

/** With its sign. */
export function signed(value: number): string {
  return `${value < 0 ? '' : '+'}${nanoseconds(value)}`
}
