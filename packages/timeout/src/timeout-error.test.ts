import { BreakwaterError } from '@breakwater/core'
import { describe, expect, it } from 'vitest'
import { isTimeoutError, TimeoutError } from './timeout-error.ts'

describe('isTimeoutError', () => {
  it('knows ours from another copy of the package, by its looks', () => {
    const other = Object.assign(new BreakwaterError('late', { code: 'timeout', category: 'timeout' }), {
      name: 'TimeoutError',
      limit: 'idle',
    })
    expect([isTimeoutError(other), isTimeoutError(new TimeoutError('idle', 1))]).toEqual([true, true])
  })

  it('takes no other error of ours for one, though it has a limit', () => {
    const details = { code: 'queue_full', category: 'rate_limit' }
    expect(isTimeoutError(Object.assign(new BreakwaterError('full', details), { limit: 9 }))).toBe(false)
  })

  it('takes no error of the same looks that is not ours', () => {
    const foreign = Object.assign(new Error('late'), { name: 'TimeoutError', limit: 'idle' })
    expect(isTimeoutError(foreign)).toBe(false)
  })
})
