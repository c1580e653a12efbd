import { describe, expect, it } from 'vitest'
import { bytesPerKey, keepers } from './memory.ts'

describe('keepers', () => {
  it('each keeps one thing for each key', async () => {
    for (const { name, use, count } of keepers()) {
      for (const number of [1, 2, 1, 3]) expect((await use(number)).status, name).toBe(200)
      expect(count(), name).toBe(3)
    }
  })
})

describe('bytesPerKey', () => {
  it('says how much each key adds', async () => {
    const kept: unknown[] = []
    const use = (): Promise<Response> => {
      kept.push(Array.from({ length: 10_000 }, (_, index) => index + 0.5))
      return Promise.resolve(new Response())
    }
    const bytes = await bytesPerKey({ name: 'arrays', use, count: () => kept.length }, 100)
    expect(bytes).toBeGreaterThan(60_000)
    expect(bytes).toBeLessThan(300_000)
  })

  it('does not take for small what forgets', async () => {
    const use = (): Promise<Response> => Promise.resolve(new Response())
    await expect(bytesPerKey({ name: 'nothing', use, count: () => 5 }, 10)).rejects.toThrow('forgotten')
  })
})
