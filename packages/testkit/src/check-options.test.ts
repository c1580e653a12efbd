import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkOptions } from './check-options.ts'
import { checkScripted } from './check-reply.ts'
import { fakeFetch } from './fake-fetch.ts'
import { params } from './testing/transports.ts'

function problem(options: unknown): string {
  try {
    checkOptions(options as object)
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError)
    return (error as TypeError).message
  }
  return 'none'
}

describe('checkOptions', () => {
  it.each([
    [
      { script: [529, 200, { status: 7 }] },
      'Expected `script[2].status` to be an integer between 200 and 599, got 7.',
    ],
    [{ script: [99] }, 'Expected `script[0]` to be an integer between 200 and 599, got 99.'],
    [{ script: ['529'] }, 'Expected `script[0]` to be a status or a reply, got "529".'],
    [{ script: 529 }, 'Expected `script` to be a list or a function, got 529.'],
    [
      { script: [{ delayMs: -1 }] },
      'Expected `script[0].delayMs` to be a number of milliseconds between 0 and 2147483647, got -1.',
    ],
    [
      { script: [{ delayMs: Number.NaN }] },
      'Expected `script[0].delayMs` to be a number of milliseconds between 0 and 2147483647, got NaN.',
    ],
    [
      { script: [{ repeat: 0 }] },
      'Expected `script[0].repeat` to be an integer of at least 1 or "forever", got 0.',
    ],
    [
      { script: [{ fault: 'cutt' }] },
      /^Expected `script\[0\]\.fault` to be one of "error", .*, got "cutt"\.$/,
    ],
    [{ script: [{ fault: { at: 1 } }] }, 'Missing field `script[0].fault.kind`.'],
    [
      { script: [{ fault: { kind: 'cut', at: 1.5 } }] },
      'Expected `script[0].fault.at` to be an index or one of "start", "middle", "end", got 1.5.',
    ],
    [
      { script: [{ network: 'down' }] },
      /^Expected `script\[0\]\.network` to be one of "reset", .*, got "down"\.$/,
    ],
    [{ script: [{ pick: [] }] }, 'Expected `script[0].pick` to have an entry.'],
    [
      { script: [{ pick: [{ reply: 529, weight: 0 }] }] },
      'Expected `script[0].pick[0].weight` to be a number above 0, got 0.',
    ],
    [
      { script: [{ pick: [{ reply: { pick: [] } }] }] },
      /^Unknown field `script\[0\]\.pick\[0\]\.reply\.pick`/,
    ],
    [
      { script: [{ headers: { 'a b': 'c' } }] },
      'Expected `script[0].headers.a b` to be a valid header, got "c".',
    ],
    [
      { script: [{ retryAfter: 'a\nb' }] },
      'Expected `script[0].retryAfter` to be a valid header, got "a\\nb".',
    ],
    [
      { script: [{ message: 'x' }] },
      '`script[0].message` is for an error body: it needs a `status` from 400, and no `body`.',
    ],
    [
      { script: [{ status: 500, text: 'x' }] },
      '`script[0].text` is for an answer: it has no effect with status 500.',
    ],
    [
      { script: [{ body: 'x', usage: {} }] },
      '`script[0].usage` is for an answer: it has no effect with `body`.',
    ],
    [{ script: [{ body: 'x', html: true }] }, 'Expected only one of `script[0].body` and `script[0].html`.'],
    [{ script: [{ bodyBase64: '*' }] }, 'Expected `script[0].bodyBase64` to be base64, got "*".'],
    [{ script: [{ toolUse: [{}] }] }, 'Missing field `script[0].toolUse[0].name`.'],
    [
      { script: [{ usage: { output_tokens: 'x' } }] },
      'Expected `script[0].usage.output_tokens` to be a number, got "x".',
    ],
    [{ dynamics: { capacity: {} } }, 'Missing field `dynamics.capacity.concurrent`.'],
    [
      { dynamics: { outages: [{ reply: 1 }] } },
      'Expected `dynamics.outages[0].reply` to be an integer between 200 and 599, got 1.',
    ],
    [
      { dynamics: { outages: [{ reply: 500, share: 2 }] } },
      'Expected `dynamics.outages[0].share` to be a number from 0 to 1, got 2.',
    ],
    [
      { dynamics: { rateLimit: { requestsPerMinute: 0 } } },
      'Expected `dynamics.rateLimit.requestsPerMinute` to be a number above 0, got 0.',
    ],
    [{ dynamics: { keys: [1] } }, 'Expected `dynamics.keys[0]` to be an object, got 1.'],
    [{ seed: 'x' }, /^Expected `seed` to be an integer/],
    [{ now: 1 }, 'Expected `now` to be a function, got 1.'],
    [{ scripts: [] }, 'Unknown field `scripts`; known are script, dynamics, seed, now, models, onReply.'],
    [null, 'Expected `` to be an object, got null.'],
  ])('refuses %j', (options, message) => {
    expect(problem(options)).toMatch(message)
  })

  it('lists the known fields for an unknown one', () => {
    expect(problem({ script: [200, { txt: 'x' }] })).toMatch(
      /^Unknown field `script\[1\]\.txt`; known are status, text, .*, fault, repeat\.$/,
    )
    expect(problem({ script: [JSON.parse('{"__proto__": 1}')] })).toMatch(
      /^Unknown field `script\[0\]\.__proto__`/,
    )
    expect(problem({ script: [{ constructor: 1 }] })).toMatch(/^Unknown field/)
  })

  it('takes undefined for an option that is not given, and zero for a value', () => {
    expect(problem({ script: [{ status: undefined, delayMs: 0 }], dynamics: undefined, seed: 0 })).toBe(
      'none',
    )
    expect(problem({ dynamics: { capacity: { concurrent: 0 } } })).toBe('none')
  })
})

describe('checkScripted', () => {
  it('takes or refuses any JSON with a TypeError', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          checkScripted(value, 'reply')
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError)
          expect((error as TypeError).message).toContain('`reply')
        }
      }),
    )
  })

  it('takes nothing that cannot be answered', async () => {
    const at = fc.oneof(fc.nat(40), fc.constantFrom('start', 'middle', 'end'))
    const kind = fc.constantFrom(
      'error',
      'end',
      'cut',
      'reset',
      'duplicate',
      'unknown',
      'garbage',
      'raw',
      'truncatedToolJson',
    )
    const reply = fc.record(
      {
        status: fc.integer({ min: 190, max: 610 }),
        text: fc.string(),
        body: fc.jsonValue(),
        html: fc.constantFrom(true, 'page'),
        code: fc.string(),
        retryAfter: fc.oneof(fc.string(), fc.double()),
        retryAfterDateMs: fc.double(),
        headers: fc.dictionary(fc.string(), fc.option(fc.string())),
        toolUse: fc.record({ name: fc.string(), input: fc.object() }),
        chunkBytes: fc.integer({ min: 0, max: 50 }),
        deltaChars: fc.nat(20),
        fault: fc.record({ kind, at, data: fc.string() }),
      },
      { requiredKeys: [] },
    )
    await fc.assert(
      fc.asyncProperty(reply, fc.boolean(), async (value, stream) => {
        try {
          checkScripted(value, 'reply')
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError)
          return
        }
        const fetch = fakeFetch({ script: () => JSON.parse(JSON.stringify(value)) })
        const init = { method: 'POST', body: JSON.stringify({ ...params, stream }) }
        const response = await fetch('https://api.anthropic.com/v1/messages', init)
        const broken = ['cut', 'reset'].includes(value.fault?.kind ?? '')
        const text = await response.text().catch((error: Error) => error.message)
        if (text === 'terminated') expect(broken).toBe(true)
        expect(response.status).toBe(value.status ?? 200)
      }),
      { numRuns: 500 },
    )
  })
})
