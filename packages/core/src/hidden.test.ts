import { describe, expect, it } from 'vitest'
import { createHidden } from './hidden.ts'

describe('createHidden', () => {
  it('keeps a value per object, and changes it', () => {
    const hidden = createHidden<number>()
    const [one, two] = [{}, {}]
    expect(hidden.get(one)).toBeUndefined()
    hidden.set(one, 1)
    hidden.set(two, 2)
    hidden.set(one, 3)
    expect([hidden.get(one), hidden.get(two)]).toEqual([3, 2])
  })

  it('keeps each kind of value apart', () => {
    const [first, second] = [createHidden<number>(), createHidden<number>()]
    const object = {}
    first.set(object, 1)
    expect(second.get(object)).toBeUndefined()
  })

  it('shows nobody anything, and does not go with a copy', () => {
    const hidden = createHidden<string>()
    const object: object = { a: 1 }
    hidden.set(object, 'secret')
    expect(Reflect.ownKeys(object)).toEqual(['a'])
    expect(JSON.stringify(object)).toBe('{"a":1}')
    expect(object).toEqual({ a: 1 })
    expect(hidden.get({ ...object })).toBeUndefined()
    expect(hidden.get(structuredClone(object))).toBeUndefined()
    expect(hidden.get(Object.create(object) as object)).toBeUndefined()
  })

  it('takes a frozen object', () => {
    const hidden = createHidden<string>()
    const object = Object.freeze({})
    hidden.set(object, 'kept')
    expect(hidden.get(object)).toBe('kept')
  })
})
