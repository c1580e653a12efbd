import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { categories } from './categories.ts'
import { errorCodes, ownCodes, verdictOfCode } from './codes.ts'

const source = readFileSync(
  new URL('../node_modules/@anthropic-ai/sdk/core/error-classes.mjs', import.meta.url),
  'utf8',
)
const ofSdk = [...source.matchAll(/\['(\d{3}) (\w+)', \w+\]/g)].map(([, status, code]) => `${status} ${code}`)
const ours = Object.entries(errorCodes).map(([code, { status }]) => `${status} ${code}`)

/** The codes that `messages.create` is documented to answer with. */
const ofMessages = `available_tools_limit_exceeded claude_code_key_creator_not_member
  claude_code_version_too_old cmek_key_disabled cmek_key_network_blocked compaction_block_ambiguous
  compaction_block_misplaced compaction_content_mismatch compaction_incomplete_turn
  compaction_nothing_to_summarize compaction_signature_invalid compaction_too_many_tool_references
  compaction_tool_changes_mismatch image_dimensions_too_large organization_on_hold request_body_encoding_invalid
  request_body_encoding_unsupported thread_already_continued thread_continue_in_flight
  thread_fingerprint_mismatch thread_unsupported_request tool_name_conflict tool_reference_unresolved
  user_profile_required linked_organization_billing_unavailable linked_organization_spend_limit_reached
  user_profile_billing_not_authorized user_profile_not_billable thread_not_found
  skill_read_blocked_undecryptable request_body_too_large_after_decoding contract_spend_limit_reached
  enforced_spend_limit_reached ramp_limit_exceeded cmek_key_unreachable compaction_unavailable`.split(/\s+/)

describe('errorCodes', () => {
  it('knows every code of the installed SDK: a new one needs a verdict in codes.ts', () => {
    expect(ofSdk.length).toBeGreaterThanOrEqual(99)
    expect(ofSdk.filter((code) => !ours.includes(code))).toEqual([])
  })

  it('knows no code that the installed SDK does not', () => {
    expect(ours.filter((code) => !ofSdk.includes(code))).toEqual([])
  })

  it.each(ofMessages)('has a next step of its own for %s, which messages.create answers with', (code) => {
    expect(errorCodes[code]?.hint).toBeDefined()
  })

  it('has a next step of its own for every code with its own retry verdict', () => {
    const silent = Object.entries(errorCodes).filter(([, { retry, hint }]) => retry !== undefined && !hint)
    expect(silent).toEqual([])
  })

  it.each(Object.entries({ ...errorCodes, ...ownCodes }))(
    'states for %s only what its category does not',
    (_code, { status: _status, category, ...overrides }) => {
      const repeated = Object.entries(overrides).filter(
        ([key, value]) => (categories[category] as unknown as Record<string, unknown>)[key] === value,
      )
      expect(repeated).toEqual([])
    },
  )
})

describe('verdictOfCode', () => {
  it.each([
    ['ramp_limit_exceeded', 'rate_limit'],
    ['circuit_open', 'circuit_open'],
    ['queue_full', 'rate_limit'],
    ['constructor', undefined],
    ['__proto__', undefined],
    ['not_a_code', undefined],
    [undefined, undefined],
  ])('of %s is of category %s', (code, category) => {
    const found = verdictOfCode(code)
    expect(category === undefined ? found : found?.category).toBe(category)
  })
})
