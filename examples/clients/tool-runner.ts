/**
 * The SDK's tool runner and its refusal fallback in one stack with ours. The refusal fallback stands outside: a model that
 * refuses is its matter, one that fails is ours, also on its own hops. The retries of the SDK: `maxRetries: 0`.
 */
import Anthropic from '@anthropic-ai/sdk'
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema'
import { betaRefusalFallbackMiddleware, BetaFallbackState } from '@anthropic-ai/sdk/lib/middleware'
import { classifyError } from '@breakwater/classify'
import { createFakeAnthropic, type ScriptEntry } from '@breakwater/testkit'
import { breakwater } from 'breakwater'
import { check, conclude } from './support/check.ts'
import { fallback, options, primary } from './support/options.ts'

const forRefusals = 'claude-sonnet-5-5'
const useTool = { toolUse: { name: 'weather', input: { city: 'Bergen' } } }
const answer = { text: 'It rains in Bergen.' }
const refuse = {
  stopReason: 'refusal',
  stopDetails: { type: 'refusal', category: null, fallback_credit_token: 'token' },
}

/** Asks a question that needs the tool, and says what came of it. */
async function run(stream: boolean, script: readonly ScriptEntry[]): Promise<object> {
  const fake = await createFakeAnthropic({ script })
  const { middleware, maxRetries } = breakwater(options)
  const client = new Anthropic({
    apiKey: 'not-a-key',
    baseURL: fake.url,
    logLevel: 'off',
    maxRetries,
    middleware: [betaRefusalFallbackMiddleware([{ model: forRefusals }]), ...middleware],
  })
  let toolRuns = 0
  const weather = betaTool({
    name: 'weather',
    description: 'The weather of a city.',
    inputSchema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    run: ({ city }) => {
      toolRuns++
      return `rain in ${city}`
    },
  })
  const runner = client.beta.messages.toolRunner(
    {
      model: primary,
      max_tokens: 100,
      max_iterations: 5,
      messages: [{ role: 'user', content: 'How is the weather in Bergen?' }],
      tools: [weather],
      stream,
    },
    { fallbackState: new BetaFallbackState() },
  )
  const outcome = await runner.runUntilDone().then(
    ({ content }) => content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
    (error: unknown) => classifyError(error).category,
  )
  await fake.close()
  return { outcome, models: fake.requests.map(({ model }) => model), toolRuns }
}

for (const stream of [false, true]) {
  const expect = async (fault: string, script: readonly ScriptEntry[], expected: object): Promise<void> =>
    check(`${stream ? 'streamed' : 'whole'}, ${fault}`, await run(stream, script), expected)
  const good = { outcome: answer.text, toolRuns: 1 }

  await expect('no fault', [useTool, answer], { ...good, models: [primary, primary] })
  // The second turn goes straight to the fallback: the primary cools down.
  await expect('overloaded', [529, useTool, answer], { ...good, models: [primary, fallback, fallback] })
  const limited = { status: 429, retryAfterMs: 100 }
  await expect('a rate limit between the turns', [useTool, limited, answer], {
    ...good,
    models: [primary, primary, primary],
  })
  // What has refused once is not asked again: that is the SDK's `fallbackState`.
  await expect('a refusal', [refuse, useTool, answer], {
    ...good,
    models: [primary, forRefusals, forRefusals],
  })
  await expect('a refusal, and its fallback is down', [refuse, 529, useTool, answer], {
    ...good,
    models: [primary, forRefusals, fallback, fallback],
  })
  await expect('an overloaded model, and its fallback refuses', [529, refuse, useTool, answer], {
    ...good,
    models: [primary, fallback, forRefusals, forRefusals],
  })
  const rejected = { status: 401, repeat: 'forever' } as const
  await expect('a bad key between the turns', [useTool, rejected], {
    outcome: 'authentication',
    models: [primary, primary],
    toolRuns: 1,
  })
}

const overloadedInStream = { fault: { kind: 'error', at: 2 } } as const
check('overloaded in the stream', await run(true, [overloadedInStream, useTool, answer]), {
  outcome: answer.text,
  models: [primary, fallback, fallback],
  toolRuns: 1,
})
const broken = { ...useTool, fault: 'truncatedToolJson' } as const
check('half an input', await run(true, [broken]), {
  outcome: 'stream_interrupted',
  models: [primary],
  // Without the guard the tool would run with what has come of its input.
  toolRuns: 0,
})
conclude('tool runner and refusal fallback')
