/**
 * Every way in which the API fails, sent by a fake API over real HTTP to the real SDK: what came back, what the SDK
 * throws, and what Breakwater says of it. Run it with `npm run demo`.
 */
import Anthropic from '@anthropic-ai/sdk'
import { classify, classifyError, type Classification } from '@breakwater/classify'
import { createFakeAnthropic } from '@breakwater/testkit'
import { failures, type DemoFailure } from './failures.ts'

const fake = await createFakeAnthropic({ script: ({ index }) => failures[index]?.reply })
const columns = [30, 29, 20, 9, 8] as const

console.log(`\nThe real SDK against a fake Anthropic API that fails in ${failures.length} ways.\n`)
console.log(row(['sent back', 'the SDK throws', 'category', 'fault', 'retry', 'what its owner does next']))
console.log('─'.repeat(160))

let disagreements = 0
for (const failure of failures) {
  const { error, seen } = await run(failure)
  const caught = classifyError(error)
  console.log(row([failure.name, nameOf(error), caught.category, caught.fault, caught.retry, caught.hint]))
  // Of a failure inside a stream the middleware has seen nothing but a 200: the catch block knows more.
  if (seen !== undefined && seen.category !== caught.category) {
    disagreements++
    console.log(`  ! the middleware said ${seen.category}`)
  }
}
await fake.close()

console.log(`\n${fake.requests.length} requests for ${failures.length} calls; nothing was sent twice.`)
console.log(
  disagreements === 0
    ? 'The middleware and `classifyError` in a catch block agreed on each.'
    : `The middleware and the catch block disagreed on ${disagreements}.`,
)
if (disagreements > 0) process.exitCode = 1

/** Makes one call, and says what was thrown and what the middleware saw. */
async function run({ stream, timeoutMs, abortAfterMs }: DemoFailure): Promise<{ error: unknown; seen?: Classification }> {
  let seen: Classification | undefined
  const client = new Anthropic({
    apiKey: 'not-a-key',
    baseURL: fake.url,
    maxRetries: 0,
    logLevel: 'off',
    middleware: [classify({ onFailure: (failure) => (seen = failure) })],
  })
  const params = {
    model: 'claude-haiku-5-5',
    max_tokens: 100,
    messages: [{ role: 'user' as const, content: 'Hello' }],
  }
  const options = {
    ...(timeoutMs !== undefined && { timeout: timeoutMs }),
    ...(abortAfterMs !== undefined && { signal: AbortSignal.timeout(abortAfterMs) }),
  }
  try {
    if (stream === true) await client.messages.stream(params, options).finalMessage()
    else await client.messages.create(params, options)
  } catch (error) {
    return seen === undefined ? { error } : { error, seen }
  }
  throw new Error('The call succeeded, which it should not.')
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.constructor.name : typeof error
}

function row(cells: readonly string[]): string {
  return cells.map((cell, index) => cell.padEnd(columns[index] ?? 0)).join(' ')
}
