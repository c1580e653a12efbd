import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { categories } from './categories.ts'
import { renderTables, unpadded, withTables } from './testing/errors-doc.ts'

const path = new URL('../../../docs/errors.md', import.meta.url)

if (process.env['UPDATE_DOCS'] === '1') {
  writeFileSync(path, withTables(readFileSync(path, 'utf8'), renderTables()))
}
const page = readFileSync(path, 'utf8')

describe('docs/errors.md', () => {
  it.each(Object.keys(renderTables()))('has the table %s', (name) => {
    expect(page).toContain(`<!-- table:${name} -->`)
  })

  it('says what the data says (UPDATE_DOCS=1 rewrites the tables)', () => {
    expect(unpadded(page)).toBe(unpadded(withTables(page, renderTables())))
  })

  it.each(Object.keys(categories))('has one runbook for %s', (category) => {
    expect(page.split('\n').filter((line) => line === `### ${category}`)).toHaveLength(1)
  })
})
