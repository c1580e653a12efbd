import { describe, expect, it } from 'vitest'
import { changesetProblems } from './changesets.mjs'

const names = ['@breakwater/core', 'breakwater']

describe('changesetProblems', () => {
  it.each([
    "---\n'@breakwater/core': minor\nbreakwater: patch\n---\n\nRetries end sooner.\n",
    '---\n"breakwater": patch\n---\nText.\n',
    '---\n---\n',
  ])('accepts %j', (text) => {
    expect(changesetProblems(text, names)).toEqual([])
  })

  it.each([
    ["---\n'@breakwater/gone': minor\n---\nText.\n", '@breakwater/gone is no published package'],
    ['---\nbreakwater: huge\n---\nText.\n', 'breakwater: huge is no kind of release'],
    ['---\nbreakwater patch\n---\nText.\n', 'cannot read `breakwater patch`'],
    ['---\nbreakwater: patch\n---\n\n', 'has no text for the users'],
    ['Text.\n', 'does not begin with a `---` block'],
  ])('reports %j', (text, problem) => {
    expect(changesetProblems(text, names)).toEqual([problem])
  })
})
