import type { Description, Rehearsed } from '@breakwater/core'
import { isCategory } from './categories.ts'
import { classification, type Classification } from './classification.ts'

/** What `classify` says of itself for `describe`. */
export const description: Description = {
  name: 'classify',
  warn: ({ outside }) =>
    outside.includes('classify')
      ? '`classify` inside another one: the rules of the inner one replace those of the outer one; remove one. See docs/choosing-an-order.md#a-second-copy'
      : undefined,
}

/** The verdict on what failed in a rehearsal of `describe`; `undefined` when nothing did. */
export function classifyRehearsed(result: Rehearsed): Classification | undefined {
  if (result.kind !== 'failure') return undefined
  const { category, status, retryAfterMs } = result
  return classification(isCategory(category) ? category : 'unknown', { status, retryAfterMs })
}
