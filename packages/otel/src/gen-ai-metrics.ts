import { counter, duration, tokens, type MetricDefinition } from './metric.ts'

const genAi: readonly string[] = [
  'gen_ai.operation.name',
  'gen_ai.provider.name',
  'gen_ai.request.model',
  'gen_ai.response.model',
  'server.address',
  'server.port',
]

/** The kinds of {@link publishedMetrics}. */
export interface PublishedMetrics {
  readonly duration: MetricDefinition<'histogram'>
  readonly firstChunk: MetricDefinition<'histogram'>
  readonly tokens: MetricDefinition<'histogram'>
}

/** The GenAI client metrics in their published names: `semconv: 'published'`. */
export const publishedMetrics: PublishedMetrics = {
  duration: duration(
    'gen_ai.client.operation.duration',
    'Time of one call, its retries, waits and streamed answer included.',
    [...genAi, 'error.type', 'breakwater.call.route', 'breakwater.call.stream'],
  ),
  firstChunk: duration(
    'gen_ai.client.operation.time_to_first_chunk',
    'Time from the start of a call to the first content of its stream.',
    [...genAi, 'breakwater.call.route'],
  ),
  tokens: tokens('gen_ai.client.token.usage', 'Tokens of each answer that reports a usage.', [
    ...genAi,
    'gen_ai.token.type',
  ]),
}

/** The kinds of {@link nextMetrics}. */
export interface NextMetrics {
  readonly duration: MetricDefinition<'histogram'>
  readonly firstChunk: MetricDefinition<'histogram'>
  readonly inputTokens: MetricDefinition<'counter'>
  readonly outputTokens: MetricDefinition<'counter'>
  readonly cacheReadTokens: MetricDefinition<'counter'>
  readonly cacheWriteTokens: MetricDefinition<'counter'>
  readonly reasoningTokens: MetricDefinition<'counter'>
  readonly inputTokensPerCall: MetricDefinition<'histogram'>
  readonly outputTokensPerCall: MetricDefinition<'histogram'>
}

/** The names that the conventions are about to give them: `semconv: 'next'`. */
export const nextMetrics: NextMetrics = {
  duration: duration(
    'gen_ai.client.inference.duration',
    'Time of one call, its retries, waits and streamed answer included.',
    [...genAi, 'error.type', 'breakwater.call.route', 'breakwater.call.stream'],
  ),
  firstChunk: duration(
    'gen_ai.client.inference.time_to_first_chunk',
    'Time from the start of a call to the first content of its stream.',
    [...genAi, 'breakwater.call.route'],
  ),
  inputTokens: counter(
    'gen_ai.client.inference.usage.input_tokens',
    '{token}',
    'Input tokens, those from and into the cache included.',
    [...genAi, 'gen_ai.token.modality'],
  ),
  outputTokens: counter('gen_ai.client.inference.usage.output_tokens', '{token}', 'Output tokens.', [
    ...genAi,
    'gen_ai.token.modality',
  ]),
  cacheReadTokens: counter(
    'gen_ai.client.inference.usage.cache_read.input_tokens',
    '{token}',
    'Input tokens read from the cache.',
    [...genAi, 'gen_ai.token.modality'],
  ),
  cacheWriteTokens: counter(
    'gen_ai.client.inference.usage.cache_write.input_tokens',
    '{token}',
    'Input tokens written to the cache.',
    [...genAi, 'gen_ai.token.modality'],
  ),
  reasoningTokens: counter(
    'gen_ai.client.inference.usage.reasoning.output_tokens',
    '{token}',
    'Output tokens spent on thinking.',
    [...genAi, 'gen_ai.token.modality'],
  ),
  inputTokensPerCall: tokens(
    'gen_ai.client.inference.operation.input_tokens',
    'Input tokens of each whole answer.',
    [...genAi],
  ),
  outputTokensPerCall: tokens(
    'gen_ai.client.inference.operation.output_tokens',
    'Output tokens of each whole answer.',
    [...genAi],
  ),
}
