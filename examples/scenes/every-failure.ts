import Anthropic from '@anthropic-ai/sdk'
import { classify, classifyError, type Classification } from '@breakwater/classify'
import { createFakeAnthropic } from '@breakwater/testkit'
import { failures, type DemoFailure } from './failures.ts'

const columns = [30, 33, 19, 8, 7] as const

/**
 * Every way in which the API fails, sent by a fake API over real HTTP to the real SDK: what came back, what the SDK
 * throws, and what Breakwater says of it.
 */
export async function everyFailure(): Promise<boolean> {
  const fake = await createFakeAnthropic({ script: ({ index }) => failures[index]?.reply })
  console.log(`\nThe real SDK against a fake Anthropic API that fails in ${failures.length} ways.\n`)
  console.log(row(['sent back', 'the SDK throws', 'category', 'fault', 'retry', 'what its owner does next']))
  console.log('─'.repeat(170))

  let unseen = 0
  let disagreements = 0
  let longestText = 0
  for (const failure of failures) {
    const { error, seen } = await run(failure, fake.url)
    const caught = classifyError(error)
    console.log(row([failure.name, nameOf(error), caught.category, caught.fault, caught.retry, caught.hint]))
    if (seen === undefined) {
      unseen++
    } else if (seen.category !== caught.category) {
      disagreements++
      console.log(`  ! the middleware said ${seen.category}`)
    }
    if (error instanceof Error) longestText = Math.max(longestText, error.message.length)
  }
  await fake.close()

  const both = failures.length - unseen
  console.log(`
${fake.requests.length} requests for ${failures.length} calls: nothing was sent twice.
${both - disagreements} of ${both} failures got the same category from the middleware and from \`classifyError\` in a catch block.
${unseen} came after a 200, in the body, where only the catch block sees them.
The body without end was read for ${(longestText / 1024).toFixed(0)} KiB, then its connection was closed.`)
  return disagreements === 0 && fake.requests.length === failures.length
}

/** Makes one call, and says what was thrown and what the middleware saw. */
async function run(
  { stream = false, timeoutMs, abortAfterMs }: DemoFailure,
  baseURL: string,
): Promise<{ error: unknown; seen: Classification | undefined }> {
  let seen: Classification | undefined
  const client = new Anthropic({
    apiKey: 'not-a-key',
    baseURL,
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
    if (stream) await client.messages.stream(params, options).finalMessage()
    else await client.messages.create(params, options)
  } catch (error) {
    return { error, seen }
  }
  throw new Error('The call succeeded, which it should not.')
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.constructor.name : typeof error
}

function row(cells: readonly string[]): string {
  return cells.map((cell, index) => cell.padEnd(columns[index] ?? 0)).join(' ')
}
