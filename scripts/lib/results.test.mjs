import { describe, expect, it } from 'vitest'
import { counts, countVitest, single, sum } from './results.mjs'

const empty = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] }
const crashedFile = { status: 'failed', assertionResults: [] }
const failedFile = { status: 'failed', assertionResults: [{ status: 'failed' }, { status: 'passed' }] }

describe('countVitest', () => {
  it('counts passed, failed and skipped', () => {
    const report = { ...empty, numPassedTests: 3, numFailedTests: 1, numPendingTests: 2, numTodoTests: 1 }
    expect(countVitest({ ...report, testResults: [failedFile] }, 1)).toEqual({
      passed: 3,
      failed: 1,
      skipped: 3,
    })
  })

  it('counts a file that did not load as one failure', () => {
    const report = { ...empty, numPassedTests: 3, numFailedTests: 1, testResults: [failedFile, crashedFile] }
    expect(countVitest(report, 1)).toMatchObject({ passed: 3, failed: 2 })
  })

  it('counts a missing report, an empty run and an unexplained exit code as one failure', () => {
    expect(countVitest(undefined, 0)).toMatchObject({ passed: 0, failed: 1 })
    expect(countVitest(empty, 0)).toMatchObject({ passed: 0, failed: 1 })
    expect(countVitest({ ...empty, numPassedTests: 2 }, 1)).toMatchObject({ passed: 2, failed: 1 })
  })
})

describe('sum', () => {
  it('adds counts and notes', () => {
    const total = sum([single([]), single(['bad']), { passed: 2, failed: 0, skipped: 4 }])
    expect(total).toEqual({ passed: 3, failed: 1, skipped: 4, notes: ['bad'] })
  })
})

describe('counts', () => {
  it('names skipped tests only when there are any', () => {
    expect(counts({ passed: 1, failed: 0 })).toBe('1 passed, 0 failed')
    expect(counts({ passed: 1, failed: 0, skipped: 2 })).toBe('1 passed, 0 failed, 2 skipped')
  })
})
