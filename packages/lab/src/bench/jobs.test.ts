import { describe, expect, it } from 'vitest'
import { jobs, sections } from './jobs.ts'

describe('jobs', () => {
  it('each is done one way, and none of the sections is empty', () => {
    for (const { measure, alone } of jobs) expect([measure, alone].filter(Boolean)).toHaveLength(1)
    expect([...new Set(jobs.map(({ section }) => section))].toSorted()).toEqual([...sections].toSorted())
  })
})
