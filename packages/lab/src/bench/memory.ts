import { circuitBreaker } from '@breakwater/circuit-breaker'
import { memoryStore, rateLimit } from '@breakwater/rate-limit'
import { callParts, freshUpstream, later, url } from '../call-parts.ts'
import { heapInUse } from '../heap.ts'

/** Something that remembers each key that it has seen. */
export interface Keeper {
  readonly name: string
  /** A call of the key of this number. */
  readonly use: (number: number) => Promise<Response>
  /** How many keys it knows. */
  readonly count: () => number
}

/** What an answer of the API says of the limits. */
const limits = Object.fromEntries(
  ['requests', 'input-tokens', 'output-tokens'].flatMap((name) => [
    [`anthropic-ratelimit-${name}-limit`, '4000'],
    [`anthropic-ratelimit-${name}-remaining`, '3999'],
    [`anthropic-ratelimit-${name}-reset`, '2030-01-01T00:00:00Z'],
  ]),
)
const limited = (): Promise<Response> => later(() => new Response('{}', { headers: limits }))

/** All that keeps something for each model, or each limit, of calls that went well. */
export function keepers(): Keeper[] {
  const { request, context } = callParts(100)
  const breaker = circuitBreaker({ maxCircuits: 1e6 })
  const store = memoryStore({ maxKeys: 1e6 })
  const limiter = rateLimit({ startPerSecond: Infinity, store })
  /** Each of another origin: models of one class share a limit. */
  const sent = (number: number): ReturnType<typeof request> =>
    Object.assign(request(), { url: url.replace('bench', `bench-${number}`) })
  return [
    {
      name: 'a circuit of circuitBreaker',
      use: (number) => breaker(sent(number), freshUpstream, context()),
      count: () => breaker.snapshot().circuits.length,
    },
    {
      name: 'a limit of rateLimit',
      use: (number) => limiter(sent(number), limited, context()),
      count: () => store.snapshot?.().keys.length ?? 0,
    },
  ]
}

/** Bytes of heap that each key adds, between the first hundred and `keys` more. */
export async function bytesPerKey({ use, count }: Keeper, keys: number): Promise<number> {
  const first = 100
  for (let number = 0; number < first; number++) await use(number)
  const before = await heapInUse()
  for (let number = first; number < first + keys; number++) await use(number)
  const after = await heapInUse()
  if (count() !== first + keys) throw new Error('A key was forgotten.')
  return (after - before) / keys
}
