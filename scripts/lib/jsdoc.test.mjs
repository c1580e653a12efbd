import { describe, expect, it } from 'vitest'
import { undocumented } from './jsdoc.mjs'

/** @param {Record<string, string>} files */
const check = (files) => undocumented(new Map(Object.entries(files)))

describe('undocumented', () => {
  it('names exports without a comment', () => {
    const index = "export { a, type B as C, d } from './x.ts';\nexport type { E } from './x.ts';\n"
    const module = [
      '/** Says it. */\nexport declare function a(): void;\nexport declare function a(b: string): void;',
      'export interface B {}',
      '/**\n * Says it.\n */\nexport declare const d: { readonly e: 1 };',
      'export type E = 1;',
    ]
    expect(check({ 'dist/index.d.ts': index, 'dist/x.d.ts': module.join('\n') })).toEqual([
      'B (dist/x.d.ts)',
      'E (dist/x.d.ts)',
    ])
  })

  it('leaves names of other packages and files without exports alone', () => {
    expect(check({ 'dist/index.d.ts': "export { a } from '@breakwater/core';\nexport {};\n" })).toEqual([])
    expect(check({})).toEqual([])
  })
})
