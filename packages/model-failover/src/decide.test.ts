import { categories, classification, type Category, type Details } from '@breakwater/classify'
import { recordingLogger } from '@breakwater/testing'
import { describe, expect, it, vi } from 'vitest'
import { coolsDown, isAlive, movesByDefault, shouldMove } from './decide.ts'
import { settingsOf } from './options.ts'

const settings = settingsOf({ to: ['a'] })

describe('movesByDefault', () => {
  it('follows the classifier, and has a word of its own on a prompt that is too long', () => {
    const moving = Object.keys(categories).filter((category) =>
      movesByDefault(classification(category as Category), settings),
    )
    expect(moving.sort()).toEqual([
      'circuit_open',
      'connection',
      'context_window',
      'overloaded',
      'rate_limit',
      'request_timeout',
      'server_error',
      'timeout',
    ])
  })

  it.each<[Category, Details, boolean]>([
    ['aborted', { failover: true }, false],
    ['aborted', { retryAfterMs: 100_000 }, false],
    ['invalid_request', { failover: true }, true],
    ['invalid_request', { retryAfterMs: 100_000 }, false],
    ['conflict', { retryAfterMs: 60_000 }, false],
    ['conflict', { retryAfterMs: 60_001 }, true],
    ['unknown', { retryAfterMs: 60_001 }, true],
    ['server_error', { failover: false }, false],
  ])('says of %s with %j: %s', (category, details, expected) => {
    expect(movesByDefault(classification(category, details), settings)).toBe(expected)
  })
})

describe('shouldMove', () => {
  const { logger } = recordingLogger()

  it('never asks about an abort, nor where there is nowhere to go', () => {
    const when = vi.fn(() => true)
    const asking = { ...settings, when }
    expect(shouldMove(classification('aborted'), { from: 'a', to: 'b' }, asking, logger)).toBe(false)
    expect(shouldMove(classification('billing'), undefined, asking, logger)).toBe(false)
    expect(when).not.toHaveBeenCalled()
    expect(shouldMove(classification('billing'), { from: 'a', to: 'b' }, asking, logger)).toBe(true)
  })
})

describe('coolsDown and isAlive', () => {
  it('leave out what is wrong with one request, and an open circuit', () => {
    const cooling = ['overloaded', 'rate_limit', 'not_found', 'timeout', 'connection'] as const
    const not = ['invalid_request', 'context_window', 'circuit_open', 'aborted', 'client_closed'] as const
    expect(cooling.map((category) => coolsDown(classification(category)))).toEqual(cooling.map(() => true))
    expect(not.map((category) => coolsDown(classification(category)))).toEqual(not.map(() => false))
  })

  it('take an answer for a sign of life, unless it says that the target is not well', () => {
    expect(isAlive(classification('invalid_request', { status: 400 }))).toBe(true)
    expect(isAlive(classification('overloaded', { status: 529 }))).toBe(false)
    expect(isAlive(classification('circuit_open', { status: 503, failover: false }))).toBe(false)
    expect(isAlive(classification('unknown'))).toBe(false)
  })
})
