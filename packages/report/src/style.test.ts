import { describe, expect, it } from 'vitest'
import { style } from './style.ts'

describe('style', () => {
  const [light = '', dark = ''] = [...style.matchAll(/:root \{[^}]*\}/g)].map(([rule]) => rule)

  for (const [scheme, rule] of Object.entries({ light, dark })) {
    const colours = new Map(
      [...rule.matchAll(/--(\w+): #(\w{6})/g)].map(([, name = '', hex = '']) => [name, hex]),
    )
    const ratio = (one: string, other: string): number =>
      contrast(colours.get(one) ?? '', colours.get(other) ?? '')

    it.each(['ink', 'quiet'])(`has %s text that can be read in ${scheme}`, (text) => {
      for (const ground of ['paper', 'card', 'shade']) expect(ratio(text, ground)).toBeGreaterThanOrEqual(4.5)
    })

    it.each(['first', 'second', 'third', 'fourth', 'good', 'bad', 'warn', 'muted'])(
      `has %s lines and areas that can be seen in ${scheme}`,
      (tone) => {
        for (const ground of ['card', 'shade']) expect(ratio(tone, ground)).toBeGreaterThanOrEqual(3)
      },
    )
  }

  it('loads nothing', () => {
    expect(style).not.toMatch(/url\(|@import|@font-face/)
  })
})

function contrast(one: string, other: string): number {
  const [high = 0, low = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return (high + 0.05) / (low + 0.05)
}

function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [0, 2, 4].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return part <= 0.039_28 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
