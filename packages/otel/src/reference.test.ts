import { readFileSync } from 'node:fs'
import { categories } from '@breakwater/classify'
import { emit } from '@breakwater/core'
import { params, seams } from '@breakwater/testing'
import { fakeFetch } from '@breakwater/testkit'
import { describe, expect, it } from 'vitest'
import { typeOfCategory, typeOfStatus } from './error-type.ts'
import { nextMetrics, publishedMetrics } from './gen-ai-metrics.ts'
import type { MetricDefinition } from './metric.ts'
import { breakwaterMetrics } from './metrics.ts'
import { attribute } from './names.ts'
import { otel } from './otel.ts'
import { plainFailover, plainRetry, register, sink } from './testing/set-up.ts'

const reference = readFileSync(new URL('../METRICS.md', import.meta.url), 'utf8')

/** The rows of the table under a heading, cells apart. */
function tableOf(heading: string): string[][] {
  const section = reference.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('|'))
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

const names = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? '')

function rowOf({ name, kind, unit, description, attributes }: MetricDefinition): string[] {
  return [
    `\`${name}\``,
    `${kind.replaceAll('_', ' ')}, \`${unit}\``,
    attributes.map((one) => `\`${one}\``).join(', '),
    description,
  ]
}

describe('METRICS.md', () => {
  it.each<[string, object]>([
    ['Metrics of Breakwater', breakwaterMetrics],
    ['GenAI metrics, published names', publishedMetrics],
    ['GenAI metrics, next names', nextMetrics],
  ])('has the %s', (heading, metrics) => {
    expect(tableOf(heading)).toEqual(Object.values(metrics).map((one: MetricDefinition) => rowOf(one)))
  })

  it('has every attribute, and no other', () => {
    expect(
      tableOf('Attributes')
        .flatMap(([cell]) => names(cell))
        .toSorted(),
    ).toEqual(Object.values(attribute).toSorted())
  })

  it('has every `error.type`, and no other', () => {
    const types = new Set(Object.keys(categories).map(typeOfCategory))
    for (let status = 400; status < 600; status++) types.add(typeOfStatus(status))
    const words = [...types].filter((type) => !/^\d+$/.test(type))
    expect(
      tableOf('Values of `error.type`')
        .flatMap(([cell]) => names(cell))
        .toSorted(),
    ).toEqual(words.toSorted())
  })

  it('tells of all that is written', async () => {
    for (const [, clientOf] of seams) {
      const seen = sink()
      register({ tracerProvider: seen.tracerProvider })
      const prices = { [params.model]: { input: 1, output: 5 } }
      const telemetry = otel({ ...seen, semconv: 'both', callSpan: 'own', prices })
      const rateLimit = { requests: { limit: 5, remaining: 4 } }
      const fetch = fakeFetch({
        script: [{ status: 429, rateLimit }, { network: 'reset' }, {}, { fault: 'cut' }, 401],
      })
      const client = clientOf({
        middleware: [telemetry, plainRetry(1), plainFailover('b'), telemetry],
        fetch,
      })
      await client.messages.create(params)
      const read = async (): Promise<void> => {
        for await (const _ of await client.messages.create({ ...params, stream: true }));
      }
      await read().catch(() => {})
      await client.messages.create(params).catch(() => {})
      emit(undefined, {
        type: 'retry',
        category: 'overloaded',
        attempt: 1,
        waitMs: 1,
        reason: 'backoff',
        model: 'm',
      })
      emit(undefined, { type: 'breaker_state', key: 'k', from: 'closed', to: 'open', reason: 'failures' })
      emit(undefined, { type: 'breaker_rejected', key: 'k' })
      emit(undefined, { type: 'failover', from: 'a', to: 'b', category: 'overloaded' })
      emit(undefined, {
        type: 'cooldown',
        target: 'a',
        state: 'started',
        cooldownMs: 1,
        category: 'overloaded',
      })
      const queue = { key: 'k', waitMs: 1, queueLength: 0 }
      emit(undefined, { type: 'queued', reason: 'gate', expectedWaitMs: 1, ...queue })
      emit(undefined, { type: 'queue_rejected', reason: 'max_wait', ...queue })
      emit(undefined, { type: 'gate', state: 'closed', category: 'rate_limit', key: 'k' })
      emit(undefined, { type: 'stream_committed', reason: 'content', heldMs: 1, model: 'm' })

      const sets: readonly object[] = [breakwaterMetrics, publishedMetrics, nextMetrics]
      const definitions: MetricDefinition[] = sets.flatMap((one) => Object.values(one))
      const written = await seen.all()
      for (const { name, unit, points } of written) {
        const definition = definitions.find((one) => one.name === name)
        expect(definition?.unit, name).toBe(unit)
        for (const { attributes } of points)
          for (const key of Object.keys(attributes))
            expect(definition?.attributes, `${name} ${key}`).toContain(key)
      }
      // And all is written.
      expect(written.map(({ name }) => name).toSorted()).toEqual(
        definitions.map(({ name }) => name).toSorted(),
      )
      const known = new Set<string>(Object.values(attribute))
      for (const span of seen.spans(/^(?:chat|breakwater)/))
        for (const key of Object.keys(span.attributes)) expect(known, key).toContain(key)
      for (const span of seen.spans('breakwater.attempt'))
        expect(Object.keys(span.attributes).filter((key) => key.startsWith('gen_ai.'))).toEqual([])
    }
  })
})
