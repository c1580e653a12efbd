import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { isWithin, published, weigh, weightOf } from './sizes.ts'

describe('isWithin', () => {
  it.each([
    ['./chain.ts', true, true, true],
    ['/absolute/chain.ts', true, true, true],
    ['@breakwater/core', false, true, true],
    ['breakwater', false, true, true],
    ['p-retry', false, false, true],
    ['breakwater-of-others', false, false, true],
    ['node:events', false, false, false],
    ['@anthropic-ai/sdk', false, false, false],
    ['@opentelemetry/api', false, false, false],
  ])('%s', (id, own, ours, all) => {
    expect([isWithin(id, 'own'), isWithin(id, 'ours'), isWithin(id, 'all')]).toEqual([own, ours, all])
  })
})

describe('weightOf', () => {
  it('counts bytes, not characters', () => {
    const text = 'µ'.repeat(1_000)
    const { bytes, gzipped } = weightOf(text)
    expect(bytes).toBe(2_000)
    const packed = gzipSync(text, { level: 9 })
    expect(gzipped).toBe(packed.length)
    expect(gunzipSync(packed).toString()).toBe(text)
  })
})

describe('weigh', () => {
  it('takes in what it is asked to', async () => {
    const own = await weigh('jitter-retry', 'own')
    const ours = await weigh('jitter-retry', 'ours')
    const all = await weigh('jitter-retry', 'all')
    expect(own.bytes).toBeGreaterThan(1_000)
    expect(own.gzipped).toBeLessThan(own.bytes)
    // core and classify, and then p-retry.
    expect(ours.bytes).toBeGreaterThan(own.bytes + 10_000)
    expect(all.bytes).toBeGreaterThan(ours.bytes + 1_000)
  })

  it('finds nothing else to take in where a package stands on nothing', async () => {
    expect(await weigh('core', 'own')).toEqual(await weigh('core', 'all'))
  })
})

describe('published', () => {
  it('is every package that runs in an application', () => {
    const packages = new URL('../../../', import.meta.url)
    const names = readdirSync(packages).filter((name) => {
      const manifest: unknown = JSON.parse(readFileSync(new URL(`${name}/package.json`, packages), 'utf8'))
      return !Object.hasOwn(Object(manifest), 'private')
    })
    // The fake API runs in tests.
    expect(names.filter((name) => name !== 'testkit').toSorted()).toEqual([...published].toSorted())
  })
})
