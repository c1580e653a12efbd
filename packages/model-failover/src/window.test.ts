import { recordingLogger } from '@breakwater/testing'
import { describe, expect, it } from 'vitest'
import { estimateTokens, tokensOf } from './window.ts'

describe('estimateTokens', () => {
  it('counts a quarter of the characters of all texts, rounded up, and the answer', () => {
    expect(estimateTokens({})).toBe(0)
    expect(estimateTokens({ system: 'abcde' })).toBe(2)
    expect(estimateTokens({ system: 'abcde', max_tokens: 100 })).toBe(102)
    const messages = [{ content: [{ text: 'abcd' }, { content: [{ text: 'ef' }] }] }, { content: 'gh' }]
    expect(estimateTokens({ messages, temperature: 1 })).toBe(2)
  })

  it('leaves files in base64 out, and nothing else', () => {
    const data = 'x'.repeat(4000)
    const image = { source: { type: 'base64', media_type: '', data } }
    expect(estimateTokens({ messages: [{ content: [image] }] })).toBe(2)
    expect(estimateTokens({ messages: [{ content: [{ source: { type: 'text', data } }] }] })).toBe(1001)
    expect(estimateTokens({ data })).toBe(1000)
  })

  it('does not mind how deep a value is', () => {
    let deep: unknown = 'abcd'
    for (let depth = 0; depth < 100_000; depth++) deep = [deep]
    expect(estimateTokens({ deep })).toBe(1)
  })
})

describe('tokensOf', () => {
  it.each<[number, string[], () => number]>([
    [7, [], () => 7],
    [0, [], () => 0],
    [2, ['gave no number'], () => NaN],
    [2, ['gave no number'], () => '7' as unknown as number],
    [
      2,
      ['failed'],
      () => {
        throw new Error('a bug')
      },
    ],
  ])('gives %i, and says %j', (tokens, said, estimate) => {
    const { lines, logger } = recordingLogger()
    const ctx = { logger, parse: () => Promise.reject(new Error('not here')) }
    expect(tokensOf({ system: 'abcde' }, estimate, ctx)).toBe(tokens)
    expect(lines.map(([, text]) => text)).toEqual(
      said.map((part) => expect.stringContaining(part) as unknown),
    )
  })
})
