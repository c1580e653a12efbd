import { createRandom } from '../contention.ts'

/** Choices that are the same for the same seed. */
export interface Dice {
  /** From 0 up to, and without, 1. */
  readonly next: () => number
  /** A whole number below `end`. */
  below(end: number): number
  /** Whether something of this probability is so. */
  chance(probability: number): boolean
  pick<Value>(values: readonly [Value, ...Value[]]): Value
  bytes(length: number): Uint8Array
}

/** Makes the {@link Dice} of a seed. */
export function createDice(seed: number): Dice {
  const next = createRandom(seed)
  // Neighbouring seeds begin alike.
  for (let turn = 0; turn < 10; turn++) next()
  const dice: Dice = {
    next,
    below: (end) => Math.floor(next() * end),
    chance: (probability) => next() < probability,
    pick: (values) => values[dice.below(values.length)] ?? values[0],
    bytes: (length) => Uint8Array.from({ length }, () => dice.below(256)),
  }
  return dice
}
