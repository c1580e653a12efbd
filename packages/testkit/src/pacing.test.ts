import { describe, expect, it } from 'vitest'
import { paced, type SendStep } from './pacing.ts'

function send(size: number, ...events: string[]): SendStep {
  return { kind: 'send', bytes: new Uint8Array(size), events }
}

describe('paced', () => {
  it('cuts into pieces of the size, and names an event with its last byte', () => {
    const steps = [...paced([send(5, 'a'), send(0), send(4, 'b'), send(2, 'c')], 3, 0)]
    expect(steps.map((step) => (step.kind === 'send' ? [step.bytes.length, ...step.events] : step))).toEqual([
      [3],
      [3, 'a'],
      [3, 'b'],
      [2, 'c'],
    ])
  })

  it('sends what it holds before it waits', () => {
    const steps = [...paced([send(2, 'a'), { kind: 'wait', ms: 1 }, send(2, 'b'), { kind: 'cut' }], 3, 0)]
    expect(steps.map(({ kind }) => kind)).toEqual(['send', 'wait', 'send', 'cut'])
  })

  it('pauses between pieces, not before the first', () => {
    const steps = [...paced([send(1), send(1)], undefined, 7)]
    expect(steps).toEqual([send(1), { kind: 'wait', ms: 7 }, send(1)])
  })
})
