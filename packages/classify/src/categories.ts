/** What went wrong. A closed union, so that a `switch` over it is exhaustive. */
export type Category =
  | 'invalid_request'
  | 'context_window'
  | 'billing'
  | 'authentication'
  | 'permission'
  | 'not_found'
  | 'request_timeout'
  | 'conflict'
  | 'precondition_failed'
  | 'request_too_large'
  | 'unprocessable'
  | 'rate_limit'
  | 'spend_limit'
  | 'client_closed'
  | 'server_error'
  | 'overloaded'
  | 'connection'
  | 'timeout'
  | 'stream_interrupted'
  | 'circuit_open'
  | 'aborted'
  | 'unknown'

/** Whose side the failure is on. */
export type Fault = 'input' | 'config' | 'traffic' | 'provider' | 'network' | 'caller'

/** How soon a person has to look at it. */
export type Severity = 'page' | 'ticket' | 'warn' | 'info'

/** How to send the same request again: not at all, one time, with backoff, or with long waits. */
export type RetryAdvice = 'never' | 'once' | 'backoff' | 'patient'

/** Whether the first try may have been processed and billed (`ambiguous`) or certainly was not (`safe`). */
export type Replay = 'safe' | 'ambiguous'

/** What a circuit breaker counts it as. */
export type Trips = 'failure' | 'success' | 'neutral'

/** The verdict that every failure of a category gets unless an error code, header or cause says otherwise. */
export interface CategoryRow {
  /** Whose side the failure is on. */
  readonly fault: Fault
  /** How soon a person has to look at it. */
  readonly severity: Severity
  /** How to send the same request again. */
  readonly retry: RetryAdvice
  /** Whether another model or provider is worth trying. */
  readonly failover: boolean
  /** What a circuit breaker counts it as. */
  readonly trips: Trips
  /** Whether the first try may have been billed. */
  readonly replay: Replay
  /** One sentence: the owner's next step. */
  readonly hint: string
}

/** The verdict of each category, as data; `docs/errors.md` prints this table. */
export const categories: Readonly<Record<Category, CategoryRow>> = {
  invalid_request: {
    fault: 'input',
    severity: 'ticket',
    retry: 'never',
    failover: false,
    trips: 'neutral',
    replay: 'safe',
    hint: 'Show the message to the owner of the prompt, fix the request, and add a unit test that catches it.',
  },
  context_window: {
    fault: 'input',
    severity: 'ticket',
    retry: 'never',
    // A larger window would do: model-failover knows the windows and decides that itself.
    failover: false,
    trips: 'neutral',
    replay: 'safe',
    hint: 'Shorten the conversation (trim, summarize, compact), lower max_tokens, or use a larger window.',
  },
  billing: {
    fault: 'config',
    severity: 'page',
    retry: 'never',
    failover: false,
    trips: 'neutral',
    replay: 'safe',
    hint: 'Stop calling and settle the billing of the organization in the Console; every model is affected.',
  },
  authentication: {
    fault: 'config',
    severity: 'page',
    retry: 'never',
    failover: false,
    trips: 'neutral',
    replay: 'safe',
    hint: 'Stop calling, and fix or rotate the API key: it is missing, malformed, revoked or stale.',
  },
  permission: {
    fault: 'config',
    severity: 'ticket',
    retry: 'never',
    failover: false,
    trips: 'neutral',
    replay: 'safe',
    hint: 'The key works but lacks this access: grant the model or feature in the Console. Count apart from 404.',
  },
  not_found: {
    fault: 'config',
    severity: 'ticket',
    retry: 'never',
    failover: false,
    trips: 'neutral',
    replay: 'safe',
    hint: 'Check the model name against the model list: misspelt or retired. Then check the path and the ids.',
  },
  request_timeout: {
    fault: 'network',
    severity: 'warn',
    retry: 'backoff',
    failover: true,
    trips: 'failure',
    replay: 'safe',
    hint: 'The request did not arrive in time: retry, and look at the upload path and the size of the body.',
  },
  conflict: {
    fault: 'traffic',
    severity: 'warn',
    retry: 'once',
    failover: false,
    trips: 'neutral',
    replay: 'safe',
    hint: 'Another change got in between: read the current state and send the request once more.',
  },
  precondition_failed: {
    fault: 'input',
    severity: 'ticket',
    retry: 'never',
    failover: false,
    trips: 'neutral',
    replay: 'safe',
    hint: 'The expected state is out of date: read it again and build a new request.',
  },
  request_too_large: {
    fault: 'input',
    severity: 'ticket',
    retry: 'never',
    failover: false,
    trips: 'neutral',
    replay: 'safe',
    hint: 'Make the request smaller upstream: fewer or smaller attachments, the Files API, smaller batches.',
  },
  unprocessable: {
    fault: 'input',
    severity: 'ticket',
    retry: 'never',
    failover: false,
    trips: 'neutral',
    replay: 'safe',
    hint: 'Check the parameter types and the tool schemas against the API reference.',
  },
  rate_limit: {
    fault: 'traffic',
    severity: 'warn',
    retry: 'backoff',
    failover: true,
    trips: 'neutral',
    replay: 'safe',
    hint: 'Slow down and honour retry-after; alert on the rate of change, and raise the limit if it persists.',
  },
  spend_limit: {
    fault: 'config',
    severity: 'page',
    retry: 'never',
    failover: false,
    trips: 'neutral',
    replay: 'safe',
    hint: 'Raise the spend limit in the Console or wait for the next period: retrying cannot help.',
  },
  client_closed: {
    fault: 'caller',
    severity: 'info',
    retry: 'never',
    failover: false,
    trips: 'neutral',
    replay: 'ambiguous',
    hint: 'This side hung up before the answer: look for time-outs and cancellations in callers and proxies.',
  },
  server_error: {
    fault: 'provider',
    severity: 'warn',
    retry: 'once',
    failover: true,
    trips: 'failure',
    replay: 'safe',
    hint: 'Retry once, then treat it as failed; on a run of them look at status.anthropic.com.',
  },
  overloaded: {
    fault: 'provider',
    severity: 'warn',
    retry: 'patient',
    failover: true,
    trips: 'failure',
    replay: 'safe',
    hint: "Anthropic's capacity, not your limit: use a fallback model, or wait long between tries.",
  },
  connection: {
    fault: 'network',
    severity: 'warn',
    retry: 'backoff',
    failover: true,
    trips: 'failure',
    replay: 'safe',
    hint: 'Check egress, DNS, proxy and firewall between this host and the API.',
  },
  timeout: {
    fault: 'network',
    severity: 'warn',
    retry: 'once',
    failover: true,
    trips: 'failure',
    replay: 'ambiguous',
    hint: 'Stream long answers, and compare the limit with the latency percentiles before raising it.',
  },
  stream_interrupted: {
    fault: 'provider',
    severity: 'warn',
    retry: 'never',
    failover: false,
    trips: 'failure',
    replay: 'ambiguous',
    hint: 'The answer is incomplete: discard it or continue from the part that arrived, in a new request.',
  },
  circuit_open: {
    fault: 'provider',
    severity: 'info',
    retry: 'backoff',
    failover: true,
    trips: 'neutral',
    replay: 'safe',
    hint: 'Nothing was sent: the circuit is open after earlier failures. Use a fallback until it closes.',
  },
  aborted: {
    fault: 'caller',
    severity: 'info',
    retry: 'never',
    failover: false,
    trips: 'neutral',
    replay: 'ambiguous',
    hint: 'The caller cancelled: nothing to do.',
  },
  unknown: {
    fault: 'provider',
    severity: 'ticket',
    retry: 'never',
    failover: false,
    trips: 'neutral',
    replay: 'ambiguous',
    hint: 'Not a known failure: read the message, and report it with the request id if it came from the API.',
  },
}

/** Whether a value names a category. */
export function isCategory(value: unknown): value is Category {
  return typeof value === 'string' && Object.hasOwn(categories, value)
}
