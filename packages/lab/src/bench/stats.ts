/** The value that the share `at` of all values, from 0 to 1, does not exceed; `NaN` of none. */
export function quantile(values: readonly number[], at: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  const place = at * (sorted.length - 1)
  const below = sorted[Math.floor(place)] ?? NaN
  const above = sorted[Math.ceil(place)] ?? NaN
  return below + (above - below) * (place - Math.floor(place))
}

/** The value in the middle. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/**
 * What `ours` adds to `bare`, as a share of what `theirs` adds: the median over the rounds. Those of one round ran within a blink of
 * each other, so that a machine that is slower for a while is slower for all of them.
 */
export function shareOfAdded(
  ours: readonly number[],
  theirs: readonly number[],
  bare: readonly number[],
): number {
  return median(bare.map((base, round) => ((ours[round] ?? NaN) - base) / ((theirs[round] ?? NaN) - base)))
}

/** `ours` as a share of `theirs`: the median over the rounds. */
export function share(ours: readonly number[], theirs: readonly number[]): number {
  return median(theirs.map((base, round) => (ours[round] ?? NaN) / base))
}
