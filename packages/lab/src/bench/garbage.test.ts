import { describe, expect, it } from 'vitest'
import { bytesOf } from './garbage.ts'

describe('bytesOf', () => {
  it('is the median of the quiet windows', () => {
    const measured = [
      { name: 'one', bytes: [100, 300, 110] },
      { name: 'none', bytes: [] },
    ]
    expect(bytesOf(measured, 'one')).toBe(110)
    expect(() => bytesOf(measured, 'none')).toThrow('none')
    expect(() => bytesOf(measured, 'other')).toThrow('other')
  })
})
