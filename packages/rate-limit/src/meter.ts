/** Counts what was sent in the last second or two. */
export interface Meter {
  from: number
  count: number
  before: number
}

const sliceMs = 1000

/** A meter that has seen nothing. */
export function createMeter(now: number): Meter {
  return { from: now, count: 0, before: 0 }
}

/** Counts one. */
export function count(meter: Meter, now: number): void {
  turn(meter, now)
  meter.count++
}

/** How much was sent lately, per millisecond. */
export function ratePerMs(meter: Meter, now: number): number {
  turn(meter, now)
  const part = (now - meter.from) / sliceMs
  return (meter.before * (1 - part) + meter.count) / sliceMs
}

function turn(meter: Meter, now: number): void {
  const passed = now - meter.from
  if (passed < sliceMs) return
  meter.before = passed < 2 * sliceMs ? meter.count : 0
  meter.count = 0
  meter.from = passed < 2 * sliceMs ? meter.from + sliceMs : now
}
