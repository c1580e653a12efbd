import { counter, duration, gauge, histogram, upDownCounter, type MetricDefinition } from './metric.ts'

/** The kinds of {@link breakwaterMetrics}. */
export interface BreakwaterMetrics {
  readonly attemptDuration: MetricDefinition<'histogram'>
  readonly attemptFirstChunk: MetricDefinition<'histogram'>
  readonly attemptActive: MetricDefinition<'up_down_counter'>
  readonly callAttempts: MetricDefinition<'histogram'>
  readonly streamDuration: MetricDefinition<'histogram'>
  readonly streamHold: MetricDefinition<'histogram'>
  readonly streamInterruptions: MetricDefinition<'counter'>
  readonly retryWait: MetricDefinition<'histogram'>
  readonly retryExhausted: MetricDefinition<'counter'>
  readonly timeouts: MetricDefinition<'counter'>
  readonly breakerState: MetricDefinition<'up_down_counter'>
  readonly breakerTransitions: MetricDefinition<'counter'>
  readonly breakerRejections: MetricDefinition<'counter'>
  readonly failoverSwitches: MetricDefinition<'counter'>
  readonly failoverExhausted: MetricDefinition<'counter'>
  readonly cooldownActive: MetricDefinition<'up_down_counter'>
  readonly cooldownDuration: MetricDefinition<'histogram'>
  readonly queueLength: MetricDefinition<'up_down_counter'>
  readonly queueWait: MetricDefinition<'histogram'>
  readonly queueRejections: MetricDefinition<'counter'>
  readonly gateClosed: MetricDefinition<'up_down_counter'>
  readonly gateClosures: MetricDefinition<'counter'>
  readonly rateLimitLimit: MetricDefinition<'gauge'>
  readonly rateLimitRemaining: MetricDefinition<'gauge'>
  readonly rateLimitReset: MetricDefinition<'gauge'>
  readonly cost: MetricDefinition<'counter'>
}

/** What Breakwater itself has to say. */
export const breakwaterMetrics: BreakwaterMetrics = {
  attemptDuration: duration(
    'breakwater.attempt.duration',
    'Time to the headers of one upstream attempt, or to its error. Its count is the attempts.',
    [
      'gen_ai.request.model',
      'server.address',
      'http.response.status_code',
      'error.type',
      'breakwater.error.category',
      'breakwater.attempt.reason',
    ],
  ),
  attemptFirstChunk: duration(
    'breakwater.attempt.time_to_first_chunk',
    'Time from the start of an attempt to the first content of its stream.',
    ['gen_ai.request.model'],
  ),
  attemptActive: upDownCounter(
    'breakwater.attempt.active',
    '{request}',
    'Attempts on their way, their bodies included. Seen from the innermost place only.',
    ['gen_ai.request.model'],
  ),
  callAttempts: histogram(
    'breakwater.call.attempts',
    '{attempt}',
    'Upstream attempts of one call; 0 where none was sent.',
    ['gen_ai.request.model', 'error.type', 'breakwater.call.route'],
    [1, 2, 3, 4, 5, 7, 10],
  ),
  streamDuration: duration(
    'breakwater.stream.duration',
    'Time from the headers of a stream to its end, by how it ended.',
    ['gen_ai.request.model', 'breakwater.stream.end', 'error.type'],
  ),
  streamHold: duration(
    'breakwater.stream.hold.duration',
    'How long a guard has held a stream before it let it go.',
    ['gen_ai.request.model', 'breakwater.reason'],
  ),
  streamInterruptions: counter(
    'breakwater.stream.interruptions',
    '{stream}',
    'Streams that a guard has found broken.',
    ['breakwater.reason', 'breakwater.stream.committed'],
  ),
  retryWait: duration('breakwater.retry.wait.duration', 'Waits before a retry. Its count is the retries.', [
    'gen_ai.request.model',
    'breakwater.wait.source',
    'breakwater.error.category',
  ]),
  retryExhausted: counter('breakwater.retry.exhausted', '{call}', 'Failures that a retry has given up on.', [
    'breakwater.reason',
  ]),
  timeouts: counter('breakwater.timeouts', '{timeout}', 'Limits of a timeout that were reached.', [
    'breakwater.timeout.limit',
  ]),
  breakerState: upDownCounter(
    'breakwater.breaker.state',
    '1',
    'The state of a circuit: 1 for the state that it is in, 0 for the others.',
    ['breakwater.breaker.name', 'breakwater.breaker.state'],
  ),
  breakerTransitions: counter(
    'breakwater.breaker.transitions',
    '{transition}',
    'Changes of the state of a circuit.',
    [
      'breakwater.breaker.name',
      'breakwater.breaker.from_state',
      'breakwater.breaker.state',
      'breakwater.reason',
    ],
  ),
  breakerRejections: counter(
    'breakwater.breaker.rejections',
    '{request}',
    'Requests that an open circuit has refused.',
    ['breakwater.breaker.name'],
  ),
  failoverSwitches: counter(
    'breakwater.failover.switches',
    '{switch}',
    'Moves of a call to another target.',
    ['breakwater.failover.from', 'breakwater.failover.to', 'breakwater.error.category'],
  ),
  failoverExhausted: counter(
    'breakwater.failover.exhausted',
    '{call}',
    'Calls that have failed with every target.',
    [],
  ),
  cooldownActive: upDownCounter(
    'breakwater.cooldown.active',
    '1',
    'Whether a target is left alone: 1 or 0.',
    ['breakwater.cooldown.target'],
  ),
  cooldownDuration: duration(
    'breakwater.cooldown.duration',
    'How long a target is to be left alone, as each cooldown begins.',
    ['breakwater.cooldown.target', 'breakwater.error.category'],
  ),
  queueLength: upDownCounter(
    'breakwater.queue.length',
    '{call}',
    'Calls that wait for their turn under a rate limit.',
    ['breakwater.queue.name'],
  ),
  queueWait: duration(
    'breakwater.queue.wait.duration',
    'How long calls have stood in a queue, by how it ended.',
    ['breakwater.queue.name', 'breakwater.queue.end'],
  ),
  queueRejections: counter(
    'breakwater.queue.rejections',
    '{call}',
    'Calls that a queue has refused: nothing was sent.',
    ['breakwater.queue.name', 'breakwater.reason'],
  ),
  gateClosed: upDownCounter(
    'breakwater.gate.closed',
    '1',
    'Whether all calls under a rate limit are held back, as the API has asked for: 1 or 0.',
    ['breakwater.queue.name'],
  ),
  gateClosures: counter(
    'breakwater.gate.closures',
    '{closure}',
    'How often all calls under a rate limit were held back.',
    ['breakwater.queue.name', 'breakwater.error.category'],
  ),
  rateLimitLimit: gauge(
    'breakwater.rate_limit.limit',
    '1',
    'The limit of the account, as the last answer said.',
    ['breakwater.rate_limit.type', 'gen_ai.request.model'],
  ),
  rateLimitRemaining: gauge(
    'breakwater.rate_limit.remaining',
    '1',
    'What is left of the limit, as the last answer said. Goes stale without traffic: see the reset.',
    ['breakwater.rate_limit.type', 'gen_ai.request.model'],
  ),
  rateLimitReset: gauge(
    'breakwater.rate_limit.reset_time',
    's',
    'When the limit is whole again, in seconds since 1970.',
    ['breakwater.rate_limit.type', 'gen_ai.request.model'],
  ),
  cost: counter('breakwater.cost', '{USD}', 'The price of the tokens, by the table of the `prices` option.', [
    'gen_ai.request.model',
    'gen_ai.response.model',
    'breakwater.cost.source',
  ]),
}
