import { describe, expect, it } from 'vitest'
import { abortToSettle } from './abort.ts'
import { caseSets, type CaseSet } from './bench/case-sets.ts'
import { firstContent } from './first-content.ts'
import { createCases, fetchCases, middlewareCases } from './seam-cases.ts'
import { streamCases, transcript } from './stream-cases.ts'

const read: CaseSet[] = ['stacks', 'parts', 'middleware', 'fetch']
const answered: CaseSet[] = ['foundation', 'foundationFetch', 'closed']
const created: CaseSet[] = ['create', 'createFetch']

describe('caseSets', () => {
  it.each(read)('%s: each makes a call, and reads the answer', async (set) => {
    for (const { name, call } of await caseSets[set](100)) expect(await call(), name).toBe('{}')
  })

  it.each(answered)('%s: each makes a call that is answered', async (set) => {
    for (const { name, call } of await caseSets[set](100)) expect(await call(), name).toBeInstanceOf(Response)
  })

  it.each(created)("%s: each is a call of the SDK's that is answered", async (set) => {
    for (const { name, call } of await caseSets[set](100)) {
      expect(await call(), name).toMatchObject({ type: 'message', usage: { output_tokens: 200 } })
    }
  })

  it('open: each is refused', async () => {
    for (const { name, call } of await caseSets.open(100)) expect(await call(), name).toBeInstanceOf(Error)
  })

  it('bodies: each is answered, whatever the size', async () => {
    for (const bytes of [10, 100_000]) {
      for (const { name, call } of await caseSets.bodies(bytes)) {
        const answer = await call()
        if (name.startsWith('the SDK')) expect(answer, name).toMatchObject({ type: 'message' })
        else expect(answer, name).toBe('{}')
      }
    }
  })

  it.each(Object.entries(caseSets))('%s: no two cases have one name', async (_, make) => {
    const names = (await make(10)).map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
  })

  it('measures the same in both seams', () => {
    const names = middlewareCases(10).map(({ name }) => name)
    expect(fetchCases(10).map(({ name }) => name)).toEqual(names)
    expect(createCases(10).every(({ name }) => names.includes(name))).toBe(true)
  })
})

describe('abortToSettle', () => {
  it('measures each abort', async () => {
    const times = await abortToSettle(3)
    expect(times).toHaveLength(3)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  })
})

describe('streamCases', () => {
  it('each reads a whole stream', async () => {
    const stream = transcript(10, 4, 3)
    const text = await stream.response().text()
    expect(text.match(/^event: /gm)).toHaveLength(stream.events)
    expect(new TextEncoder().encode(text)).toHaveLength(stream.bytes)
    for (const { read } of streamCases()) await expect(read(stream)).resolves.toBeUndefined()
  })
})

describe('firstContent', () => {
  it('measures both', async () => {
    const { without, with: guarded } = await firstContent(1)
    expect(Math.min(without, guarded)).toBeGreaterThan(0)
  })
})
