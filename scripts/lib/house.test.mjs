import { describe, expect, it } from 'vitest'
import { fileProblems, manifestProblems } from './house.mjs'

/** @type {import('./workspace.mjs').Manifest} */
const good = {
  name: '@breakwater/jitter-retry',
  description: 'Retries with jitter, and knows when to stop.',
  license: 'MIT',
  type: 'module',
  sideEffects: false,
  files: ['dist', 'src', '!**/*.test.*', '!**/*.tsbuildinfo', '!**/testing'],
  exports: {
    '.': { '@breakwater/source': './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' },
  },
  publishConfig: { access: 'public' },
  scripts: { test: 'vitest run' },
  dependencies: { '@breakwater/core': 'workspace:^', 'p-retry': '^7.1.1 || ^8 || ^9' },
  engines: { node: '>=20.19' },
}

describe('manifestProblems', () => {
  it('accepts a package of the house', () => {
    expect(manifestProblems('jitter-retry', good)).toEqual([])
  })

  it.each([
    ['name', { name: 'jitter-retry' }],
    ['license', { license: 'ISC' }],
    ['type', { type: 'commonjs' }],
    ['sideEffects', { sideEffects: true }],
    ['engines', { engines: { node: '>=18' } }],
    ['description', { description: '' }],
    ['access', { publishConfig: {} }],
    ['files', { files: ['dist'] }],
    ['exports', { exports: { '.': { types: './dist/index.d.ts', '@breakwater/source': './src/index.ts' } } }],
    ['lodash', { dependencies: { lodash: '^4' } }],
    ['timeout', { dependencies: { '@breakwater/timeout': 'workspace:^' } }],
    ['breakwater', { dependencies: { breakwater: 'workspace:^' } }],
    ['workspace:\\^', { dependencies: { '@breakwater/core': '^1.0.0' } }],
    ['p-retry', { dependencies: { 'p-retry': '^8' } }],
    ['peer zod', { peerDependencies: { zod: '*' } }],
    ['optional', { peerDependencies: { '@anthropic-ai/sdk': '*' } }],
  ])('reports %s', (word, change) => {
    const problems = manifestProblems('jitter-retry', { ...good, ...change })
    expect(problems[0]).toMatch(new RegExp(word))
  })

  it('keeps the layers: core imports nothing, the recipe everything', () => {
    const dependencies = { '@breakwater/classify': 'workspace:^' }
    expect(manifestProblems('core', { ...good, name: '@breakwater/core', dependencies })).toHaveLength(1)
    expect(manifestProblems('breakwater', { ...good, name: 'breakwater', dependencies })).toEqual([])
  })
})

describe('fileProblems', () => {
  const files = ['README.md', 'LICENSE', 'package.json', 'src/index.ts', 'dist/index.js', 'dist/index.d.ts']
  const packed = (/** @type {Record<string, string>} */ more = {}) =>
    new Map([
      ...files.map((file) => /** @type {const} */ ([file, file === 'package.json' ? '{}' : ''])),
      ...Object.entries(more),
    ])

  it('accepts what a package needs', () => {
    expect(fileProblems(packed())).toEqual([])
  })

  it.each(files)('misses %s', (file) => {
    const map = packed()
    map.delete(file)
    expect(fileProblems(map)).toEqual([`${file} is not packed`])
  })

  it.each([
    'dist/a.test.js',
    'src/a.test.ts',
    'tsconfig.tsbuildinfo',
    'src/testing/a.ts',
    '.results/vitest.json',
  ])('refuses %s', (file) => {
    expect(fileProblems(packed({ [file]: '' }))).toEqual([`${file} must not be packed`])
  })

  it('refuses ranges of the workspace, and an index that exports everything', () => {
    const dependencies = { '@breakwater/core': 'workspace:^' }
    expect(fileProblems(packed({ 'package.json': JSON.stringify({ dependencies }) }))).toHaveLength(1)
    expect(fileProblems(packed({ 'src/index.ts': "export * from './a.ts'\n" }))).toHaveLength(1)
  })
})
