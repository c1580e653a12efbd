/** A number for people: a space between thousands, two digits below ten. */
export function numberText(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  if (Number.isInteger(value) || Math.abs(value) >= 100) return thousands(Math.round(value))
  return value.toFixed(Math.abs(value) < 10 ? 2 : 1)
}

/** A number with two digits after the point. */
export function fixed(value: number | null): string {
  return value === null ? '–' : value.toFixed(2)
}

/** A share of 1 in percent, never rounded up. */
export function percent(share: number): string {
  return `${Math.floor(share * 1000) / 10} %`
}

/** Milliseconds for people. */
export function durationText(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '–'
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`
  return `${(ms / 60_000).toFixed(1)} min`
}

function thousands(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, ',')
}
