import { describe, expect, it } from 'vitest'
import { shouldIgnore } from './ignore.mjs'

/**
 * A text inside the nodes around it, the nearest first.
 * @param {string} value
 * @param {any[]} around
 */
function text(value, ...around) {
  /** @type {any} */
  let parentPath = null
  for (const node of around.toReversed()) parentPath = { node, parentPath }
  return { node: { type: 'StringLiteral', value }, parentPath }
}

const call = (/** @type {string} */ name) => ({
  type: 'CallExpression',
  callee: { type: 'Identifier', name },
})
const made = (/** @type {string} */ name) => ({ type: 'NewExpression', callee: { type: 'Identifier', name } })
const property = (/** @type {string} */ name) => ({ type: 'ObjectProperty', key: { name } })
const superCall = { type: 'CallExpression', callee: { type: 'Super' } }

describe('shouldIgnore', () => {
  it.each([
    ['the text of an error', text('It has failed.', made('TypeError'))],
    ['a part of it', text('It has failed.', { type: 'BinaryExpression' }, superCall)],
    ['what an option is expected to be', text('a number above 0', call('assertOption'))],
    ['a hint', text('Wait a while.', property('hint'))],
  ])('leaves out %s', (_, path) => {
    expect(shouldIgnore(path)).toMatch(/^Words/)
  })

  it.each([
    ['the name of an option', text('maxWaitMs', call('assertOption'))],
    ['a code', text('circuit_open', property('code'))],
    ['a text that is looked for', text('Request was aborted.', call('isCalled'))],
    ['a value of several words', text('text/html; charset=utf-8', property('content-type'))],
  ])('keeps %s', (_, path) => {
    expect(shouldIgnore(path)).toBeUndefined()
  })

  it('leaves out a table of data, and keeps a small object', () => {
    const object = (/** @type {number} */ length) => ({
      node: { type: 'ObjectExpression', properties: Array.from({ length }) },
      parentPath: null,
    })
    expect(shouldIgnore(object(20))).toMatch(/^A table/)
    expect(shouldIgnore(object(19))).toBeUndefined()
  })
})
