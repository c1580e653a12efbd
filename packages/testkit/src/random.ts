/** A source of numbers from 0 up to, not including, 1. */
export type Random = () => number

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Creates a repeatable source of random numbers (mulberry32) for one request of a seeded run. */
export function createRandom(seed: number, index: number): Random {
  let state = Math.imul(seed ^ Math.imul(index + 1, 0x9e3779b1), 0x85ebca6b) | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** Makes an identifier in the shape of the real ones, such as `req_01` and 22 characters. */
export function randomId(prefix: string, random: Random): string {
  let id = `${prefix}01`
  for (let count = 0; count < 22; count += 1) id += base62.charAt(Math.floor(random() * 62))
  return id
}
