import { describe, expect, it } from 'vitest'
import { abortToSettle } from './abort.ts'
import { behaviourCases } from './behaviour-cases.ts'
import { foundationCases } from './foundation-cases.ts'

describe.each([
  ['foundationCases', foundationCases],
  ['behaviourCases', behaviourCases],
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
