import { createRandom } from '../contention.ts'
import { catalogue } from './catalogue.ts'
import { primary, type Fault } from './fault.ts'
import type { Setting } from './model/predict.ts'
import type { Part } from './stack.ts'

const basic: readonly Part[] = ['classify', 'retry', 'breaker', 'failover', 'otel']
const inserted: readonly Part[] = ['guard', 'timeout', 'rateLimit']
/** Two of which are as good as one, or nearly. */
const doubled: readonly Part[] = ['classify', 'retry', 'breaker', 'failover', 'otel', 'guard']

/** How a call is made: the two seams with and without the SDK's own retries, and a plain `fetch`. */
const callers: readonly Pick<Setting, 'client' | 'maxRetries'>[] = [
  { client: 'middleware', maxRetries: 0 },
  { client: 'createFetch', maxRetries: 0 },
  { client: 'middleware', maxRetries: 2 },
  { client: 'createFetch', maxRetries: 2 },
  { client: 'fetch', maxRetries: 0 },
]

/** What a plain `fetch` shows that the SDK hides: the reason of an abort, and the answers as they are. */
const plainGroups: ReadonlySet<Fault['group']> = new Set(['none', 'abort', 'calls', 'network', 'body'])

/** A stack under a fault. */
export interface Job {
  readonly order: readonly Part[]
  readonly fault: Fault
  readonly random: number
}

/** A job in a few words: what `--only` of `npm run lab:orders` looks for. */
export function jobName({ order, fault }: Pick<Job, 'order' | 'fault'>): string {
  return `[${order.join(' ')}] ${fault.name}`
}

/** The runs of a job: those that are compared with one another. */
export function settingsOf({ order, fault, random }: Job): readonly Setting[] {
  return callers
    .filter(({ client }) => client !== 'fetch' || plainGroups.has(fault.group))
    .map((caller) => ({ order, fault, ...caller, random, model: primary }))
}

/** Every ordered subset. */
export function arrangements<Value>(values: readonly Value[]): readonly (readonly Value[])[] {
  const longer = values.flatMap((value) =>
    arrangements(values.filter((other) => other !== value)).map((rest) => [value, ...rest]),
  )
  return [[], ...longer]
}

/** Every ordered subset of the five packages. */
export const basicOrders: readonly (readonly Part[])[] = arrangements(basic)

/**
 * Some of these with another part at each place in turn, with one of their kinds a second time, and with all that there is, in any
 * order: the same for the same seed.
 */
export function furtherOrders(seed: number, samples: number): readonly (readonly Part[])[] {
  const random = createRandom(seed)
  const below = (end: number): number => Math.floor(random() * end)
  return Array.from({ length: samples }).flatMap(() => {
    const order = basicOrders[below(basicOrders.length)] ?? []
    const more = inserted.flatMap((part) =>
      [...order, part].map((_, place) => order.toSpliced(place, 0, part)),
    )
    const twice = doubled
      .filter((part) => order.includes(part))
      .map((part) => order.toSpliced(below(order.length + 1), 0, part))
    const all: Part[] = []
    for (const part of [...basic, ...inserted]) all.splice(below(all.length + 1), 0, part)
    return [...more, ...twice, all]
  })
}

/** Where in their range the random numbers of a run fall: mostly at the longest waits. */
const randoms = [1, 0.5, 1, 0]

/** The whole lab: all stacks of the five, and further ones, under all faults. */
export function* wholePlan(seed: number, samples: number): Generator<Job> {
  let index = 0
  for (const order of [...basicOrders, ...furtherOrders(seed, samples)]) {
    // Another one for the same fault in the next stack.
    index++
    for (const fault of catalogue) yield { order, fault, random: randoms[index++ % randoms.length] ?? 1 }
  }
}

/** Each fault under a stack: one of the five, or a further one, in turn; the same for the same seed. */
export function* samplePlan(seed: number): Generator<Job> {
  const random = createRandom(seed)
  const further = furtherOrders(seed, 20)
  for (const [index, fault] of catalogue.entries()) {
    const orders = index % 2 === 0 ? basicOrders : further
    const order = orders[Math.floor(random() * orders.length)] ?? []
    yield { order, fault, random: Math.floor(random() * 3) / 2 }
  }
}
