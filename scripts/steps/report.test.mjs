import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { guardedCall } from '../../examples/demo/guarded.ts'
import { lessons, periods } from '../../examples/demo/periods.ts'
import { naiveHandler } from '../../examples/demo/safe-call.ts'
import { screen, sparkline } from '../../examples/demo/screen.ts'
import { circuitOf, standings } from '../../examples/demo/standings.ts'
import { createStorm, fallback, primary } from '../../examples/demo/storm.ts'
import { share, summaryText, wrap } from '../../examples/demo/summary.ts'
import { isWasted, percentile, perSecond, tally } from '../../examples/demo/tally.ts'
import { isPlainOutput } from '../../examples/demo/watch.ts'
import { fakeFetch } from '../../packages/testkit/src/index.ts'
import { staticProblems } from './report-page.mjs'

/**
 * @typedef {import('../../examples/demo/side.ts').SideRecord} SideRecord
 * @typedef {import('../../examples/demo/side.ts').CallRecord} CallRecord
 */

/**
 * @param {string} name
 * @param {readonly Partial<CallRecord>[]} calls
 * @param {readonly object[]} [requests]
 * @returns {SideRecord}
 */
function sideOf(name, calls, requests = []) {
  const call = { startedAt: 0, endedAt: undefined, end: undefined, model: undefined }
  const request = { at: 0, closedAt: 1, aborted: false, reply: { status: 200 } }
  return {
    name,
    calls: calls.map((one) => ({ ...call, ...one })),
    requests: /** @type {any} */ (requests.map((one) => ({ ...request, ...one }))),
    events: [],
  }
}

describe('the handler of the article', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /**
   * What a call comes to, and which requests it made.
   * @param {(url: string) => import('../../examples/demo/handler.ts').Handler} handlerFor
   * @param {(request: { model: string | undefined, index: number }) => number | object | undefined} script
   */
  async function callWith(handlerFor, script) {
    const fetch = fakeFetch({ script })
    vi.stubGlobal('fetch', fetch)
    const handler = handlerFor('https://api.test')
    const answer = handler((client, model) =>
      client.messages.create({ model, max_tokens: 9, messages: [{ role: 'user', content: 'Hello' }] }),
    ).then(
      ({ model }) => model,
      (error) => error.status,
    )
    await vi.advanceTimersByTimeAsync(600_000)
    const models = fetch.requests.map(({ model }) => model)
    return {
      outcome: await answer,
      primary: models.filter((model) => model === primary).length,
      fallback: models.filter((model) => model === fallback).length,
    }
  }

  it('asks an overloaded model ten times before the other one', async () => {
    const script = (/** @type {{ model: string | undefined }} */ { model }) =>
      model === primary ? 529 : undefined
    expect(await callWith(naiveHandler, script)).toEqual({ outcome: fallback, primary: 10, fallback: 1 })
  })

  it('asks nobody else about a 503', async () => {
    expect(await callWith(naiveHandler, () => 503)).toEqual({ outcome: 503, primary: 15, fallback: 0 })
  })

  it('takes a spend limit for a rate limit', async () => {
    const script = () => ({ status: 429, code: 'enforced_spend_limit_reached' })
    expect(await callWith(naiveHandler, script)).toEqual({ outcome: 429, primary: 30, fallback: 0 })
  })

  it.each([400, 401, 403, 404])('asks once where the answer is %d', async (status) => {
    expect(await callWith(naiveHandler, () => status)).toEqual({ outcome: status, primary: 1, fallback: 0 })
  })

  it('is beside the recipe, which asks once, and then the other one', async () => {
    const guarded = (/** @type {string} */ url) => guardedCall(url, 1)
    const script = (/** @type {{ model: string | undefined }} */ { model }) =>
      model === primary ? 529 : undefined
    expect(await callWith(guarded, script)).toEqual({ outcome: fallback, primary: 1, fallback: 1 })
    const limit = () => ({ status: 429, code: 'enforced_spend_limit_reached' })
    expect(await callWith(guarded, limit)).toEqual({ outcome: 429, primary: 1, fallback: 0 })
  })
})

describe('the storm', () => {
  it('is the same every time, and as long as it is asked to be', () => {
    const [whole, short] = [createStorm(30), createStorm(6)]
    expect(whole.calls).toEqual(createStorm(30).calls)
    expect(whole.calls.at(-1)?.atMs).toBeLessThan(25_000)
    expect(short.phases.at(-1)?.toMs).toBe(5000)
    expect(whole.phases[0]?.fromMs).toBe(0)
    for (const [index, { fromMs }] of whole.phases.entries()) {
      if (index > 0) expect(fromMs).toBe(whole.phases[index - 1]?.toMs)
    }
  })

  it('has more calls in the rush than the limit allows', () => {
    const { calls, phases } = createStorm(30)
    const rush = phases.find(({ name }) => name === 'rush')
    const inRush = calls.filter(({ atMs }) => atMs >= (rush?.fromMs ?? 0) && atMs < (rush?.toMs ?? 0))
    expect(inRush.length / 3).toBeGreaterThan(18)
  })
})

describe('counting', () => {
  const side = sideOf(
    'x',
    [
      { startedAt: 0, endedAt: 100, end: 'answered', model: primary },
      { startedAt: 10, endedAt: 510, end: 'answered', model: fallback },
      { startedAt: 20, endedAt: 30, end: 'failed' },
      { startedAt: 900, endedAt: 5900, end: 'left' },
      { startedAt: 2000 },
    ],
    [
      {},
      { reply: { status: 529 } },
      { reply: { status: 200, fault: 'error' } },
      { aborted: true },
      { at: 1500, closedAt: undefined, reply: undefined },
      { at: 1600 },
    ],
  )

  it('puts each call and each request where it belongs', () => {
    expect(tally(side)).toMatchObject({
      calls: 5,
      answered: 2,
      failed: 1,
      left: 1,
      waiting: 1,
      requests: 6,
      wasted: 3,
    })
    expect(tally(side)).toMatchObject({ p50Ms: 100, p99Ms: 500 })
    expect(tally(side, 900, 1600)).toMatchObject({
      calls: 1,
      left: 1,
      requests: 1,
      wasted: 0,
      p50Ms: undefined,
    })
    expect([...tally(side).byModel]).toEqual([
      [primary, 1],
      [fallback, 1],
    ])
  })

  it('calls a request wasted only when it is over', () => {
    expect(side.requests.map(isWasted)).toEqual([false, true, true, true, false, false])
  })

  it('takes the nearest rank', () => {
    expect(percentile([4, 1, 3, 2], 0.5)).toBe(2)
    expect(percentile([4, 1, 3, 2], 0.99)).toBe(4)
    expect(percentile([], 0.5)).toBeUndefined()
  })

  it('counts by the second, and nothing beyond the end', () => {
    expect(perSecond([0, 999, 1000, 2999, 3000], 3)).toEqual([2, 1, 1])
  })

  it('never rounds up to all', () => {
    expect(share(999, 1000)).toBe('99 %')
    expect(share(0, 0)).toBe('–')
  })
})

describe('how the primary model stood', () => {
  it('follows cooldowns and the circuit of that model alone', () => {
    const key = `http://localhost:1 ${primary}`
    const cooldown = { type: 'cooldown', target: primary }
    const breaker = { type: 'breaker_state', key, from: 'closed', reason: 'failures' }
    /** @type {any[]} */
    const events = [
      { at: 5, event: { ...breaker, key: `http://localhost:1 ${fallback}`, to: 'open' } },
      { at: 10, event: { ...cooldown, state: 'started' } },
      { at: 20, event: { ...cooldown, state: 'probing' } },
      { at: 25, event: { ...cooldown, state: 'ended' } },
      { at: 40, event: { ...breaker, to: 'open' } },
      { at: 50, event: { ...breaker, to: 'half_open' } },
      { at: 60, event: { ...breaker, to: 'closed' } },
    ]
    expect(
      standings(events, primary, 100).map(({ standing, from, to }) => `${from}-${to} ${standing}`),
    ).toEqual([
      '0-10 in use',
      '10-20 cooling down',
      '20-25 probing',
      '25-40 in use',
      '40-50 circuit open',
      '50-60 probing',
      '60-100 in use',
    ])
    expect(circuitOf(events, primary)).toBe('closed')
    expect(circuitOf(events.slice(0, 6), primary)).toBe('half open')
    expect(circuitOf(events.slice(0, 4), primary)).toBe('closed')
  })
})

describe('what is said', () => {
  const storm = createStorm(30)
  const answered = { startedAt: 5000, endedAt: 5100, end: /** @type {const} */ ('answered'), model: primary }
  const better = sideOf('Breakwater', [answered], [{ at: 5000 }])
  const worse = sideOf('safe_call', [{ ...answered, end: 'left' }], [{ at: 5000 }, { at: 5001 }])

  it('gives a reason only where Breakwater did better', () => {
    const whys = (/** @type {SideRecord} */ theirs, /** @type {SideRecord} */ ours) =>
      lessons(periods(storm, theirs, ours), theirs.name, ours.name).map(({ why }) => why !== undefined)
    expect(whys(worse, better)).toEqual([true, false, false, false, false])
    expect(whys(better, worse)).toEqual([false, false, false, false, false])
    // Fewer answers are worse, however little they cost.
    const idle = sideOf('x', [{ ...answered, end: 'failed' }], [])
    expect(whys(better, idle)).not.toContain(true)
    // As many answers, for more requests.
    expect(whys(better, sideOf('x', [answered], worse.requests))).not.toContain(true)
  })

  it('has the numbers of both in the text', () => {
    const text = summaryText({ storm, clock: () => 0, theirs: worse, ours: better, ended: Promise.resolve() })
    expect(text).toMatch(/^answered +0 \(0 %\) +1 \(100 %\)$/m)
    expect(text).toContain('overload: Of 1 calls safe_call answered 0 with 2 requests, Breakwater 1 with 1.')
    expect(text).not.toContain('`')
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
  })

  it('is wrapped between words', () => {
    expect(wrap('one two three four', 9)).toEqual(['one two', 'three', 'four'])
  })
})

describe('the screen', () => {
  const storm = createStorm(30)
  const calls = Array.from({ length: 300 }, (_, index) => ({
    startedAt: index * 40,
    endedAt: index * 40 + 300,
    end: /** @type {CallRecord['end']} */ (index % 9 === 0 ? 'failed' : 'answered'),
    model: index % 2 === 0 ? primary : fallback,
  }))
  const side = sideOf(
    'safe_call',
    calls,
    calls.map(({ startedAt }) => ({ at: startedAt })),
  )
  const play = { storm, clock: () => 0, theirs: side, ours: side, ended: Promise.resolve() }
  const plain = (/** @type {string} */ _, /** @type {string} */ text) => text

  it.each([30, 40, 48, 64, 80, 100, 200])(
    'has no line that a terminal of %d columns would wrap',
    (columns) => {
      for (const atMs of [0, 100, 5000, 12_300, 20_000, 29_000, 99_000]) {
        const lines = screen(play, atMs, { columns, rows: 40 }, plain).split('\n')
        for (const line of lines) expect(line.length).toBeLessThan(Math.min(columns, 101))
      }
    },
  )

  it('is not higher than the terminal, and keeps what matters', () => {
    const lines = screen(play, 9000, { columns: 80, rows: 12 }, plain).split('\n')
    expect(lines.length).toBeLessThan(12)
    expect(lines.join('\n')).toMatch(/answered +\d+ +\d+/)
    expect(screen(play, 9000, { columns: 80, rows: 40 }, plain)).toContain('requests/s')
  })

  it('draws a row of blocks to one scale', () => {
    expect(sparkline([0, 4, 8], 8)).toBe('▁▅█')
  })

  it('moves only where somebody can see it', () => {
    const output = (/** @type {boolean} */ isTTY) => /** @type {any} */ ({ isTTY })
    expect(isPlainOutput(output(true), { TERM: 'xterm' })).toBe(false)
    expect(isPlainOutput(output(false), { TERM: 'xterm' })).toBe(true)
    expect(isPlainOutput(output(true), { TERM: 'dumb' })).toBe(true)
    expect(isPlainOutput(output(true), { CI: 'true' })).toBe(true)
  })
})

describe('staticProblems', () => {
  const svg = '<svg aria-labelledby="a b"><title id="a"></title><desc id="b"></desc></svg>'
  const good = `<meta content="default-src 'none'"><figure>${svg}${svg.replaceAll(/"a|"b| b/g, '$&2')}${svg.replaceAll(/"a|"b| b/g, '$&3')}<details></details></figure>`

  it('has nothing against a page that keeps to itself', () => {
    expect(staticProblems(good)).toEqual([])
  })

  it('wants a policy that forbids to load', () => {
    expect(staticProblems(good.replace('none', 'self'))).toEqual(['nothing forbids it to load'])
  })

  it.each([
    ['a script', '<script>1</script>'],
    ['a handler', '<p onclick="1">'],
    ['an image from elsewhere', '<img src="https://example.com/a.png">'],
    ['a style from elsewhere', '<link href="style.css">'],
    ['a background from elsewhere', '<p style="background: url(//example.com/a)">'],
    ['an id that is there twice', '<p id="a">'],
    ['a clip that is not there', '<g clip-path="url(#none)">'],
    ['a value that is none', '<td>NaN</td>'],
    ['a figure without drawings', '<figure></figure>'],
  ])('finds %s', (_, more) => {
    expect(staticProblems(good + more)).not.toEqual([])
  })
})
