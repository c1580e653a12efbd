import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FaultCourse, FaultReports } from './describe-faults.ts'
import { draw, drawCourse } from './diagram.ts'
import type { Step } from './rehearsal.ts'

const request: Step = { kind: 'request' }
const move: Step = { kind: 'move' }
const wait = (ms: number): Step => ({ kind: 'wait', ms })
const course = (...steps: readonly Step[]): FaultCourse => ({
  requests: steps.filter(({ kind }) => kind === 'request').length,
  waitMs: steps.reduce((sum, step) => sum + (step.kind === 'wait' ? step.ms : 0), 0),
  moves: steps.filter(({ kind }) => kind === 'move').length,
  outcome: 'error',
  category: 'overloaded',
  steps,
})
const drawn = (...steps: readonly Step[]): string => drawCourse(course(...steps), 60)

function reportsOf(course: FaultCourse): FaultReports {
  const report = { ...course, primaryOnly: undefined }
  return {
    rate_limit: report,
    rate_limit_hinted: report,
    overloaded: report,
    stream_cut_early: { ...report, outcome: 'broken_stream', category: undefined },
    stream_cut: { ...report, outcome: 'answer', category: undefined },
    authentication: report,
  }
}

const facts = { names: ['a', 'b'], maxRequests: 3, maxWaitMs: 500, warnings: [] }

describe('a drawn course', () => {
  it('shows requests, waits and moves in their order, and what the caller gets', () => {
    expect(drawn(request)).toBe('● → overloaded')
    expect(
      drawn(request, wait(500), request, move, request, wait(1500), request, wait(65_432), request),
    ).toBe('● 0.5 s ● ⇒ ● 1.5 s ● 65.43 s ● → overloaded')
    expect(drawn(request, { kind: 'more', requests: 2, waitMs: 1000 })).toBe('● + 2 ● 1 s → overloaded')
    expect(drawn(request, { kind: 'more', requests: 0, waitMs: Infinity })).toContain('+ 0 ● any time')
  })

  it('says what ends it', () => {
    const end = { ...course(request), category: undefined }
    expect(drawCourse({ ...end, outcome: 'answer' }, 60)).toBe('● → answer')
    expect(drawCourse({ ...end, outcome: 'broken_stream' }, 60)).toBe('● → broken stream')
  })

  it('makes one of waits in a row', () => {
    expect(drawn(wait(250), wait(750), request, wait(1000), wait(100))).toBe('1 s ● 1.1 s → overloaded')
  })

  it('counts waits that repeat, from the third on', () => {
    const again = [wait(11_000), request]
    expect(drawn(request, ...again, ...again)).toBe('● 11 s ● 11 s ● → overloaded')
    expect(drawn(request, ...again, ...again, ...again, wait(2000), request)).toBe(
      '● 3 × (11 s ●) 2 s ● → overloaded',
    )
    expect(drawn(request, request, request, request)).toBe('● ● ● ● → overloaded')
  })

  it('does not tell a leg twice, unless it is as short', () => {
    const leg = [request, wait(1000), request]
    expect(drawn(...leg, move, ...leg)).toBe('● 1 s ● ⇒ the same → overloaded')
    expect(drawn(...leg, move, ...leg, move, ...leg)).toBe('● 1 s ● ⇒ 2 × the same → overloaded')
    expect(drawn(...leg, move, request, move, ...leg)).toBe('● 1 s ● ⇒ ● ⇒ the same → overloaded')
    expect(drawn(request, move, request)).toBe('● ⇒ ● → overloaded')
  })

  it('leaves out the middle where it is too long, and keeps the beginning and the end', () => {
    const steps = Array.from({ length: 40 }, (_, index) => [wait(1000 * index + 1000), request]).flat()
    const text = drawn(request, ...steps)
    expect(text).toMatch(/^● 1 s ● 2 s ● .*… .*40 s ● → overloaded$/)
    expect(text.length).toBeLessThanOrEqual(60)
    expect(text.length).toBeGreaterThan(50)
  })
})

describe('a drawn stack', () => {
  it('is a table of the faults', () => {
    expect(draw({ ...facts, faults: reportsOf(course(request, wait(1000), request)) })).toBe(
      [
        'a → b → upstream',
        'at most 3 requests a call, waits of at most 0.5 s',
        '',
        'where upstream says        sent  waits  ● a request, → what the caller gets',
        '429                           2    1 s  ● 1 s ● → overloaded',
        '429, retry-after 10 s         2    1 s  ● 1 s ● → overloaded',
        '529                           2    1 s  ● 1 s ● → overloaded',
        'stream cut before content     2    1 s  ● 1 s ● → broken stream',
        'stream cut after content      2    1 s  ● 1 s ● → answer',
        '401                           2    1 s  ● 1 s ● → overloaded',
      ].join('\n'),
    )
  })

  it('says whose fault it is where a call can move', () => {
    const text = draw({ ...facts, faults: reportsOf(course(request, move, request)) })
    expect(text.split('\n')[3]).toBe(
      'where every target says    sent  waits  ● a request, ⇒ the next target, → what the caller gets',
    )
    expect(text.split('\n')[4]).toBe('429                           2         ● ⇒ ● → overloaded')
  })

  it('says one request, no waits, and a wait without end', () => {
    const faults = reportsOf(course(request))
    const second = (maxRequests: number, maxWaitMs: number): string | undefined =>
      draw({ ...facts, maxRequests, maxWaitMs, faults }).split('\n')[1]
    expect(second(1, 0)).toBe('at most 1 request a call, no waits')
    expect(second(2, Infinity)).toBe('at most 2 requests a call, waits of any length')
  })

  it('is never wider than a terminal, and loses no word of a name or a warning', () => {
    const word = fc.stringMatching(/^[a-z]{1,20}$/)
    const step = fc.oneof(
      fc.constant(request),
      fc.constant(move),
      fc.integer({ min: 0, max: 400_000 }).map((ms) => wait(ms)),
      fc.record({ kind: fc.constant('more' as const), requests: fc.nat(99), waitMs: fc.nat(99_999) }),
    )
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 12 }),
        fc.array(fc.array(word, { minLength: 1, maxLength: 40 }), { maxLength: 3 }),
        fc.array(step, { maxLength: 80 }),
        (names, warnings, steps) => {
          const said = warnings.map((words) => words.join(' '))
          const faults = reportsOf(course(...steps))
          const text = draw({ ...facts, names, warnings: said, faults })
          for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
          const flat = text.replaceAll('\n  ', ' ')
          expect(flat).toContain([...names, 'upstream'].join(' → '))
          for (const warning of said) expect(flat).toContain(`warning: ${warning}`)
        },
      ),
    )
  })
})
