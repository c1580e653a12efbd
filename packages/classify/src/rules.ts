import { createCallKey, type CallKey, type MiddlewareContext } from '@breakwater/core'
import { isCategory, type Category } from './categories.ts'
import { classification, type Classification, type Details } from './classification.ts'

/** What a rule can look at beside the verdict. */
export interface RuleFacts {
  /** The headers of the failing response. */
  readonly headers?: Headers | undefined
  /** What was thrown. */
  readonly error?: unknown
  readonly model?: string | undefined
}

/** What a rule changes. A new category brings the defaults of its row, except where the rule says otherwise. */
export type RuleVerdict = Details & { readonly category?: Category | undefined }

/**
 * Overrides a verdict, or extends the vocabulary to what only you know: a gateway's own codes and statuses. Return
 * `undefined` to leave the verdict as it is; the first rule that returns one decides.
 */
export type ClassifyRule = (failure: Classification, facts: RuleFacts) => RuleVerdict | undefined

/** The rules that the call runs with. */
export const rulesOf: CallKey<readonly ClassifyRule[]> = createCallKey('classify.rules')

/** The verdict after the rules. A rule that throws or names no category is logged and left out. */
export function applyRules(
  failure: Classification,
  rules: readonly ClassifyRule[],
  facts: RuleFacts,
  ctx: MiddlewareContext,
): Classification {
  for (const rule of rules) {
    try {
      const changed = rule(failure, facts)
      if (changed !== undefined) return merge(failure, changed)
    } catch (error) {
      ctx.logger.warn('[breakwater] a rule of classify failed and was left out', error)
    }
  }
  return failure
}

function merge(
  failure: Classification,
  { category = failure.category, ...details }: RuleVerdict,
): Classification {
  if (!isCategory(category))
    throw new TypeError(`Expected \`category\` to be one of classify's, got ${category}.`)
  if (category === failure.category) return classification(category, { ...failure, ...details })
  const { status, type, code, message, requestId, retryAfterMs } = failure
  return classification(category, { status, type, code, message, requestId, retryAfterMs, ...details })
}
