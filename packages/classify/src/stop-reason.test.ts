import { describe, expect, it } from 'vitest'
import { stopReason, stopReasons } from './stop-reason.ts'

describe('stopReason', () => {
  it.each([
    ['end_turn', true, 'none'],
    ['stop_sequence', true, 'none'],
    ['tool_use', true, 'run_tools'],
    ['max_tokens', false, 'raise_max_tokens'],
    ['pause_turn', false, 'resend'],
    ['refusal', false, 'fallback'],
    ['model_context_window_exceeded', false, 'compact'],
    ['compaction', false, 'resend'],
    ['reason_of_2030', false, 'unknown'],
    ['constructor', false, 'unknown'],
  ])('of %s: complete %s, action %s', (reason, complete, action) => {
    expect(stopReason({ stop_reason: reason })).toMatchObject({ reason, complete, action })
  })

  it('tells the category of a refusal, and nothing of its explanation', () => {
    const details = { type: 'refusal', category: 'cyber', explanation: 'quotes the prompt' }
    const found = stopReason({ stop_reason: 'refusal', stop_details: details })
    expect(found.category).toBe('cyber')
    expect(JSON.stringify(found)).not.toContain('quotes')
  })

  it.each([
    { stop_reason: 'refusal', stop_details: null },
    { stop_reason: 'refusal', stop_details: { category: null } },
    { stop_reason: 'end_turn', stop_details: { category: 'cyber' } },
  ])('has no category for %j', (message) => {
    expect(stopReason(message)).not.toHaveProperty('category')
  })

  it.each([undefined, null, 'text', 7, [], {}, { stop_reason: null }, { stop_reason: 7 }])(
    'takes %j for a message that is not finished',
    (message) => {
      expect(stopReason(message)).toMatchObject({ reason: null, complete: false, action: 'unknown' })
    },
  )

  it('knows the stop reasons of the installed SDK', async () => {
    const { readFileSync } = await import('node:fs')
    const path = '../node_modules/@anthropic-ai/sdk/resources/beta/messages/messages.d.ts'
    const types = readFileSync(new URL(path, import.meta.url), 'utf8')
    const union = /export type BetaStopReason = ([^;]+);/.exec(types)?.[1] ?? ''
    const ofSdk = [...union.matchAll(/'(\w+)'/g)].map(([, name]) => name)
    expect(ofSdk.length).toBeGreaterThan(7)
    expect(ofSdk.filter((name) => !Object.hasOwn(stopReasons, name ?? ''))).toEqual([])
  })
})
