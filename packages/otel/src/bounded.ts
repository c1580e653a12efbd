/** What stands for every value beyond the bound. */
export const other = 'other'

/** Lets the first `limit` distinct values through, and makes {@link other} of the rest: a bound on label values. */
export function bounded(limit: number): (value: string) => string {
  const seen = new Set<string>()
  return (value) => {
    if (seen.has(value)) return value
    if (seen.size >= limit) return other
    seen.add(value)
    return value
  }
}
