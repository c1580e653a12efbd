import { afterEach, describe, expect, test, vi } from 'vitest'
import { argumentsOf, refuse, wholeNumber } from './arguments.ts'

const config = { options: { seed: { type: 'string', default: '1' } } } as const
const usage = 'usage: storm'

/** What is printed, and how the process ends. */
function ended(run: () => unknown): { code: unknown; out: string; error: string } {
  const said = { out: '', error: '' }
  vi.spyOn(console, 'log').mockImplementation((text) => void (said.out += text))
  vi.spyOn(console, 'error').mockImplementation((text) => void (said.error += text))
  let code: unknown
  vi.spyOn(process, 'exit').mockImplementation((value) => {
    code = value
    throw new Error('ended')
  })
  expect(run).toThrow('ended')
  return { code, ...said }
}

const argv = process.argv
function called(...args: readonly string[]): void {
  process.argv = ['node', 'storm.js', ...args]
}
afterEach(() => {
  process.argv = argv
  vi.restoreAllMocks()
})

describe('argumentsOf', () => {
  test('has the defaults, and what is given', () => {
    called()
    expect(argumentsOf(config, usage).values).toEqual({ seed: '1' })
    called('--seed', '2')
    expect(argumentsOf(config, usage).values).toEqual({ seed: '2' })
  })

  test('tells how it is used', () => {
    called('--help')
    expect(ended(() => argumentsOf(config, usage))).toEqual({ code: 0, out: usage, error: '' })
  })

  test('names an option that there is not', () => {
    called('--sed', '2')
    const { code, error } = ended(() => argumentsOf(config, usage))
    expect(code).toBe(2)
    expect(error).toContain(`'--sed'`)
    expect(error).toContain(usage)
  })
})

describe('wholeNumber', () => {
  test('takes whole numbers from the least on', () => {
    expect(wholeNumber('--seed', '0', usage, 0)).toBe(0)
    expect(wholeNumber('--seed', '12', usage)).toBe(12)
  })

  test.each(['0', '-1', '1.5', 'x', '', 'Infinity'])('refuses %j', (text) => {
    expect(ended(() => wholeNumber('--seed', text, usage))).toMatchObject({
      code: 2,
      error: expect.stringContaining(`--seed is a whole number, 1 or more, not ${text}`),
    })
  })
})

test('refuse says why', () => {
  expect(ended(() => refuse('no such scene', usage))).toMatchObject({
    code: 2,
    error: 'no such scene\n\nusage: storm',
  })
})
