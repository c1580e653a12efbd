import { describe, expect, it } from 'vitest'
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
