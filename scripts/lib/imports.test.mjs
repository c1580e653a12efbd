import { describe, expect, it } from 'vitest'
import { importProblems, packageOf, specifiers } from './imports.mjs'

describe('specifiers', () => {
  it('finds every form of import, and none in comments', () => {
    const code = [
      "import { a, type B } from 'a'",
      'import {\n  c,\n} from "c"',
      "export * from './d.js'",
      "import 'e'",
      "const f = await import('f')",
      "export declare const g: import('g').G",
      "/**\n * import { no } from 'no'\n */",
      "// import 'never'",
    ]
    expect(specifiers(code.join('\n'))).toEqual(['a', 'c', './d.js', 'e', 'f', 'g'])
  })
})

describe('packageOf', () => {
  it.each([
    ['p-retry', 'p-retry'],
    ['@anthropic-ai/sdk/core/error', '@anthropic-ai/sdk'],
    ['ai/test', 'ai'],
    ['./a.js', undefined],
    ['node:http', undefined],
    ['events', undefined],
  ])('%s is of %s', (specifier, name) => {
    expect(packageOf(specifier)).toBe(name)
  })
})

describe('importProblems', () => {
  const manifest = { name: '@breakwater/x', dependencies: { 'p-retry': '^8' }, devDependencies: { ai: '*' } }

  it('accepts dependencies, peers, itself and packed files', () => {
    const code = "import 'p-retry'\nexport { a } from './a.ts'\nimport 'node:http'\n"
    expect(
      importProblems(new Map(Object.entries({ 'dist/index.d.ts': code, 'dist/a.d.ts': '' })), manifest),
    ).toEqual([])
  })

  it('reports what its users would miss', () => {
    const files = {
      'dist/index.js': "import 'ai'\nimport './testing/a.js'\n",
      'src/index.ts': "import 'left-out'",
    }
    expect(importProblems(new Map(Object.entries(files)), manifest)).toEqual([
      'dist/index.js imports ai, which is no dependency',
      'dist/index.js imports dist/testing/a.js: not packed',
    ])
  })
})
