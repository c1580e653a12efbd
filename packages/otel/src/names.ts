/**
 * The names of attributes. Those of the semantic conventions are copied: the GenAI ones have no stable package, and
 * `@opentelemetry/api` is the only import.
 */
export const attribute = {
  errorType: 'error.type',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  method: 'http.request.method',
  status: 'http.response.status_code',
  resendCount: 'http.request.resend_count',
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  requestModel: 'gen_ai.request.model',
  requestMaxTokens: 'gen_ai.request.max_tokens',
  requestTemperature: 'gen_ai.request.temperature',
  requestTopP: 'gen_ai.request.top_p',
  requestTopK: 'gen_ai.request.top_k',
  requestStream: 'gen_ai.request.stream',
  responseId: 'gen_ai.response.id',
  responseModel: 'gen_ai.response.model',
  finishReasons: 'gen_ai.response.finish_reasons',
  firstChunk: 'gen_ai.response.time_to_first_chunk',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cacheReadTokens: 'gen_ai.usage.cache_read.input_tokens',
  cacheWriteTokens: 'gen_ai.usage.cache_write.input_tokens',
  cacheCreationTokens: 'gen_ai.usage.cache_creation.input_tokens',
  reasoningTokens: 'gen_ai.usage.reasoning.output_tokens',
  tokenType: 'gen_ai.token.type',
  tokenModality: 'gen_ai.token.modality',
  requestId: 'anthropic.request.id',
  category: 'breakwater.error.category',
  attemptReason: 'breakwater.attempt.reason',
  attemptModel: 'breakwater.attempt.model',
  attemptWait: 'breakwater.attempt.wait_time',
  attemptHeaders: 'breakwater.attempt.time_to_headers',
  attemptFirstChunk: 'breakwater.attempt.time_to_first_chunk',
  callAttempts: 'breakwater.call.attempts',
  callWait: 'breakwater.call.wait_time',
  callRoute: 'breakwater.call.route',
  callStream: 'breakwater.call.stream',
  failoverTarget: 'breakwater.failover.target',
  failoverFrom: 'breakwater.failover.from',
  failoverTo: 'breakwater.failover.to',
  breakerRejected: 'breakwater.breaker.rejected',
  breakerName: 'breakwater.breaker.name',
  breakerState: 'breakwater.breaker.state',
  breakerFrom: 'breakwater.breaker.from_state',
  cooldownTarget: 'breakwater.cooldown.target',
  streamEnd: 'breakwater.stream.end',
  waitSource: 'breakwater.wait.source',
  reason: 'breakwater.reason',
  committed: 'breakwater.stream.committed',
  limit: 'breakwater.timeout.limit',
  limitType: 'breakwater.rate_limit.type',
  costSource: 'breakwater.cost.source',
} as const

/** The name of the span of one attempt. */
export const attemptSpanName = 'breakwater.attempt'

/** The scope of the spans and metrics. */
export const scopeName = '@breakwater/otel'
