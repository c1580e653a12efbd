/**
 * A service with hono: its calls end when its caller hangs up, streams go through, failures become answers that a caller
 * can use, and it ends without losing what is on its way. The service itself is in `support/hono-service.ts`.
 */
import Anthropic from '@anthropic-ai/sdk'
import { createFakeAnthropic, type FakeAnthropic, type ScriptEntry } from '@breakwater/testkit'
import { breakwater } from 'breakwater'
import { check, conclude, until } from './support/check.ts'
import { start } from './support/hono-service.ts'
import { fallback, options, primary } from './support/options.ts'

const text = 'It rains in Bergen.'
const slowly = { text, deltaChars: 1, gapMs: 25 }

interface Parts {
  readonly url: string
  readonly fake: FakeAnthropic
  readonly ask: (path: string, init?: RequestInit) => Promise<Response>
  readonly shutdown: () => Promise<void>
}

/** A service in front of a fake API. */
async function play(script: readonly ScriptEntry[], test: (parts: Parts) => Promise<void>): Promise<void> {
  const fake = await createFakeAnthropic({ script })
  const client = new Anthropic({
    apiKey: 'not-a-key',
    baseURL: fake.url,
    logLevel: 'off',
    ...breakwater(options),
  })
  const { url, shutdown } = await start(client, 1000)
  const ask: Parts['ask'] = (path, init) => fetch(url + path, { method: 'POST', body: 'Hello', ...init })
  await test({ url, fake, ask, shutdown })
  await shutdown()
  await fake.close()
}

const models = ({ requests }: FakeAnthropic): unknown[] => requests.map(({ model }) => model)

await play([529, { text }], async ({ ask, fake }) => {
  const response = await ask('/ask')
  check('an overloaded model', await response.json(), { answer: text, servedBy: fallback })
  check('an overloaded model: requests', models(fake), [primary, fallback])
})

await play([{ fault: { kind: 'error', at: 2 } }, { text, deltaChars: 10 }], async ({ ask, fake }) => {
  const response = await ask('/ask/stream')
  const lines = ['text', '"It rains i"', 'text', '"n Bergen."', 'done', '']
  check('a stream', fieldsOf(await response.text()), lines)
  check('a stream: requests', models(fake), [primary, fallback])
})

await play([{ text, deltaChars: 10, fault: { kind: 'end', at: 4 } }], async ({ ask }) => {
  const response = await ask('/ask/stream')
  const lines = ['text', '"It rains i"', 'error', 'stream_interrupted']
  check('half a stream', [response.status, ...fieldsOf(await response.text())], [200, ...lines])
})

const failures: [ScriptEntry, number, string, string | null][] = [
  [{ status: 400, repeat: 'forever' }, 400, 'invalid_request', null],
  [{ status: 401, repeat: 'forever' }, 500, 'authentication', null],
  [{ status: 529, repeat: 'forever', retryAfterMs: 10 }, 503, 'overloaded', '1'],
  // More than the 20 s of the call: nobody waits for that, and the caller learns it.
  [{ status: 429, repeat: 'forever', retryAfter: 30 }, 503, 'rate_limit', '30'],
]
for (const path of ['/ask', '/ask/stream']) {
  for (const [reply, status, error, retryAfter] of failures) {
    await play([reply], async ({ ask }) => {
      const response = await ask(path)
      const seen = [response.status, await response.json(), response.headers.get('retry-after')]
      check(`${path}: ${error}`, seen, [status, { error }, retryAfter])
    })
  }
}

for (const path of ['/ask', '/ask/stream']) {
  await play([path === '/ask' ? { delayMs: 10_000 } : slowly], async ({ ask, fake }) => {
    const controller = new AbortController()
    const asking = ask(path, { signal: controller.signal }).then((response) => response.text())
    await until(() => fake.requests.length === 1)
    await new Promise((resolve) => setTimeout(resolve, 200))
    controller.abort()
    await asking.catch(() => {})
    check(`${path}: the caller leaves`, await until(() => fake.requests[0]?.aborted === true), true)
    check(`${path}: the caller leaves: requests`, models(fake), [primary])
  })
}

await play([slowly], async ({ ask, url, shutdown }) => {
  const response = await ask('/ask/stream')
  const ended = shutdown()
  check('the end of the service: an answer on its way', fieldsOf(await response.text()).at(-2), 'done')
  await ended
  const refused = await fetch(url).then(
    () => false,
    () => true,
  )
  check('the end of the service: no more questions', refused, true)
})

conclude('hono')

/** Names and data of server-sent events. */
function fieldsOf(events: string): string[] {
  return events
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/^(event|data): ?/, ''))
}
