import { describe, expect, it } from 'vitest'
import { parse } from './parse.ts'

const answer = (body: BodyInit | null, type?: string, status = 200): Response => {
  const response = new Response(body, { status })
  if (type === undefined) response.headers.delete('content-type')
  else response.headers.set('content-type', type)
  return response
}

describe('ctx.parse under createFetch', () => {
  it.each([
    ['application/json', '{"a":1}', { a: 1 }],
    ['application/json; charset=utf-8', '{"a":1}', { a: 1 }],
    ['application/problem+json', '{"a":1}', { a: 1 }],
    ['application/problem+json ; charset=utf-8', '{"a":1}', { a: 1 }],
    ['text/plain', '{"a":1}', '{"a":1}'],
    ['text/html; note=application/json', '{"a":1}', '{"a":1}'],
    ['application/jsonl', '{"a":1}', { a: 1 }],
    ['application/xml+jsonish', '{"a":1}', '{"a":1}'],
    [undefined, '{"a":1}', '{"a":1}'],
  ])('reads %s', async (type, body, expected) => {
    expect(await parse(answer(body, type))).toEqual(expected)
  })

  it('gives null for 204, and leaves a body readable', async () => {
    expect(await parse(answer(null, 'application/json', 204))).toBeNull()
    const response = answer('{"a":1}', 'application/json')
    await parse(response)
    expect(await response.text()).toBe('{"a":1}')
  })

  it.each(['text/event-stream', 'text/event-stream; charset=utf-8'])('refuses %s', async (type) => {
    const response = answer('data: 1\n\n', type)
    await expect(parse(response)).rejects.toThrow('event stream')
    // Nothing of it was taken.
    expect(await response.text()).toBe('data: 1\n\n')
  })

  it.each<[string, (response: Response) => unknown]>([
    ['has been read', (response) => response.text()],
    ['is being read', (response) => response.body?.getReader()],
  ])('says so when the body %s', async (_, use) => {
    const response = answer('{}', 'application/json')
    await use(response)
    await expect(parse(response)).rejects.toThrow('whose body nobody has read')
  })

  it('rejects for JSON that is none, as often as it is asked', async () => {
    const response = answer('{', 'application/json')
    await expect(parse(response)).rejects.toThrow(SyntaxError)
    await expect(parse(response)).rejects.toThrow(SyntaxError)
  })
})
