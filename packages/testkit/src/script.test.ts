import { describe, expect, it } from 'vitest'
import { estimateTokens } from './message.ts'
import { createRandom } from './random.ts'
import { choose } from './script.ts'

describe('choose', () => {
  it('picks by weight', () => {
    const pick = [{ reply: 529, weight: 0.5 }, { reply: 200 }, { reply: 500, weight: 2.5 }]
    const counts = new Map<unknown, number>()
    for (let index = 0; index < 8000; index += 1) {
      const reply = choose({ pick }, createRandom(1, index))
      counts.set(reply, (counts.get(reply) ?? 0) + 1)
    }
    expect((counts.get(529) ?? 0) / 8000).toBeCloseTo(1 / 8, 1)
    expect((counts.get(200) ?? 0) / 8000).toBeCloseTo(1 / 4, 1)
    expect((counts.get(500) ?? 0) / 8000).toBeCloseTo(5 / 8, 1)
  })
})

describe('estimateTokens', () => {
  it('counts four characters each, rounded up', () => {
    expect(['', 'a', 'abcd', 'abcde'].map(estimateTokens)).toEqual([0, 1, 1, 2])
  })
})
