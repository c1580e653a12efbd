import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseErrorBody } from './error-body.ts'

describe('parseErrorBody', () => {
  it("reads Anthropic's error", () => {
    const body = {
      type: 'error',
      error: {
        type: 'rate_limit_error',
        message: 'Slow down',
        details: { error_code: 'ramp_limit_exceeded' },
      },
      request_id: 'req_1',
    }
    expect(parseErrorBody(JSON.stringify(body))).toEqual({
      type: 'rate_limit_error',
      code: 'ramp_limit_exceeded',
      message: 'Slow down',
      requestId: 'req_1',
    })
  })

  it.each([
    [
      'Bedrock',
      '{"message":"Input is too long for requested model."}',
      'Input is too long for requested model.',
    ],
    ['AWS', '{"Message":"User is not authorized"}', 'User is not authorized'],
    [
      'Vertex',
      '[{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED"}}]',
      'Quota exceeded',
    ],
    ['an error as text', '{"error":"upstream gone"}', 'upstream gone'],
    ['a typed error as text', '{"type":"error","error":"upstream gone"}', 'upstream gone'],
    ['an error as object', '{"error":{"message":"upstream gone"}}', 'upstream gone'],
    ['FastAPI', '{"detail":"Not Found"}', 'Not Found'],
    ['a JSON text', '"Too many requests"', 'Too many requests'],
    [
      'an HTML page',
      '<html><head><title>502 Bad\nGateway</title></head><body>…</body></html>',
      '502 Bad Gateway',
    ],
    ['HTML without a title', '<p>no</p>', '<p>no</p>'],
    ['text', ' upstream connect error\n or disconnect ', 'upstream connect error or disconnect'],
    ['cut JSON', '{"type":"error","err', '{"type":"error","err'],
  ])('reads the message of %s', (_name, text, message) => {
    expect(parseErrorBody(text)).toEqual({ message })
  })

  it.each([
    ['nothing', ''],
    ['blanks', ' \n '],
    ['null', 'null'],
    ['a number', '7'],
    ['an empty array', '[]'],
    ['values of the wrong type', '{"type":7,"error":{"type":[],"message":{},"details":"x"},"request_id":{}}'],
    ['a code of the wrong type', '{"error":{"details":{"error_code":7}}}'],
    ['JSON of no known shape, which may echo the request', '{"input":"my secret prompt"}'],
  ])('says nothing for %s', (_name, text) => {
    expect(parseErrorBody(text)).toEqual({})
  })

  it('keeps 200 characters of a long text, and as much of a title', () => {
    expect(parseErrorBody('y'.repeat(70_000)).message).toHaveLength(200)
    expect(parseErrorBody(`<title>${'y'.repeat(70_000)}`).message).toHaveLength(200)
  })

  it.each(['['.repeat(65_536), '{"a":'.repeat(13_000), '<title'.repeat(10_000), '<title>'.repeat(9000)])(
    'is quick and quiet on a hostile text',
    (text) => {
      const start = performance.now()
      expect(parseErrorBody(text)).toBeDefined()
      expect(performance.now() - start).toBeLessThan(250)
    },
  )

  it('takes __proto__ for data', () => {
    expect(parseErrorBody('{"__proto__":{"message":"polluted"},"error":{"__proto__":{"type":"x"}}}')).toEqual(
      {},
    )
    expect(Object.prototype).not.toHaveProperty('message')
  })

  it('never throws, whatever the JSON', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        expect(parseErrorBody(text)).toBeTypeOf('object')
      }),
    )
  })
})
