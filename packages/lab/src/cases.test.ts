import { describe, expect, it } from 'vitest'
import { abortToSettle } from './abort.ts'
import { behaviourCases } from './behaviour-cases.ts'
import { closedCases, openCases } from './breaker-cases.ts'
import { firstContent } from './first-content.ts'
import { foundationCases } from './foundation-cases.ts'
import { streamCases, transcript } from './stream-cases.ts'

describe.each([
  ['foundationCases', foundationCases],
  ['behaviourCases', behaviourCases],
  ['closedCases', closedCases],
])('%s', (_, cases) => {
  it('each makes a call that is answered', async () => {
    for (const { name, call } of cases(100)) {
      expect(await call(), name).toBeInstanceOf(Response)
    }
  })
})

describe('abortToSettle', () => {
  it('measures each abort', async () => {
    const times = await abortToSettle(3)
    expect(times).toHaveLength(3)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  })
})

describe('openCases', () => {
  it('each is refused', async () => {
    for (const { name, call } of await openCases(100)) expect(await call(), name).toBeInstanceOf(Error)
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
