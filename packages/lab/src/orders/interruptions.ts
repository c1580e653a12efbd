import type { BodyFault, NetworkFault } from '@breakwater/testkit'
import { secrets, type Abort, type Fault, type StreamFault } from './fault.ts'
import { failure, type Failure } from './model/verdicts.ts'

/** Events of the stream of {@link secrets}, a character each: 0 start, 1 block, 2 ping, 3 to 17 text, 18 to 20 the end. */
const everywhere = [0, 1, 3, 4, 10, 20]
const somewhere = [1, 3, 10]
const firstContent = 3
/** The start of a block, after which `timeout` takes silence for silence. */
const block = 2
const stop = 20

const text = secrets.completion
/** Long after all that a stack does by itself. */
const late: Abort = { kind: 'at', ms: 290_250 }
const bad = failure('server_error', { status: 502, isAmbiguous: true })

const kinds: readonly [
  name: string,
  fault: Omit<BodyFault, 'at'>,
  how: StreamFault['how'],
  failure: Failure,
  positions: readonly number[],
][] = [
  ['overloaded', { kind: 'error' }, 'error', failure('overloaded', { status: 529 }), everywhere],
  [
    'limited',
    { kind: 'error', type: 'rate_limit_error' },
    'error',
    failure('rate_limit', { status: 429 }),
    somewhere,
  ],
  ['ending', { kind: 'end' }, 'truncated', bad, everywhere],
  ['cut', { kind: 'cut' }, 'cut', bad, everywhere],
  ['reset', { kind: 'reset' }, 'cut', bad, somewhere],
  ['malformed', { kind: 'garbage' }, 'malformed', bad, somewhere],
  ['stalled', { kind: 'stall' }, 'stall', bad, somewhere],
]

/** Streams that break, at each of some positions: for ever, and at one before the content also once and from the primary alone. */
export const streams: readonly Fault[] = kinds.flatMap(([name, fault, how, failure, positions]) =>
  positions.flatMap((at): Fault[] => {
    const stream: StreamFault = {
      at: at <= firstContent ? 'preamble' : 'content',
      how,
      failure,
      hasStopReason: at >= stop,
      hasBegun: at >= block,
    }
    const common = {
      group: 'stream',
      isStream: true,
      reply: { text, deltaChars: 1, fault: { ...fault, at } },
      means: { kind: 'stream', stream },
      ...(how === 'stall' && { abort: late }),
    } as const
    const whole = { ...common, name: `a stream ${name} at event ${at}, for ever` }
    if (at !== 1) return [whole]
    return [
      whole,
      { ...common, name: `a stream ${name} at event ${at}, of the primary`, isPrimaryOnly: true },
      { ...common, name: `a stream ${name} at event ${at}, once`, times: 1 },
    ]
  }),
)

/** One that a guard lets go before anything has come of it, for a limit outside to end. */
export const forgotten: Fault = {
  name: 'a stream stalled at event 1, for longer than it is held',
  group: 'stream',
  isStream: true,
  holdMs: 9000,
  reply: { text, deltaChars: 1, fault: { kind: 'stall', at: 1 } },
  means: {
    kind: 'stream',
    stream: { at: 'preamble', how: 'stall', failure: bad, hasStopReason: false, hasBegun: false },
  },
  abort: late,
}

/** Answers that are as they should be, quickly or not. */
export const successes: readonly Fault[] = [
  { name: 'a success', group: 'none', reply: { text }, means: { kind: 'answer' } },
  { name: 'a stream', group: 'none', reply: { text }, means: { kind: 'answer' }, isStream: true },
  {
    name: 'a stream of single bytes',
    group: 'none',
    reply: { text, chunkBytes: 1 },
    means: { kind: 'answer' },
    isStream: true,
  },
  {
    name: 'a late success',
    group: 'none',
    reply: { text, delayMs: 10_500 },
    means: { kind: 'late', afterMs: 10_500 },
  },
  {
    name: 'a slow stream',
    group: 'none',
    reply: { text, deltaChars: 5, gapMs: 700 },
    means: { kind: 'slow', lastsMs: 8 * 700 },
    isStream: true,
  },
]

function thrown(name: string, code: string, message = 'fetch failed', more: object = {}): Fault['reply'] {
  const error = (): unknown =>
    new TypeError(message, { cause: Object.assign(new Error(`${name} ${code}`), { code }, more) })
  return { error }
}

/** What `fetch` throws for a keep-alive connection that had been closed. */
function stale(): unknown {
  const cause = Object.assign(new Error('other side closed'), {
    name: 'SocketError',
    code: 'UND_ERR_SOCKET',
    socket: { bytesRead: 900 },
  })
  return new TypeError('fetch failed', { cause })
}

const broken = { isAmbiguous: true, retry: 'once' } as const
const networks: readonly [name: string, reply: Fault['reply'] | NetworkFault, failure: Failure][] = [
  ['refused', 'refused', failure('connection')],
  ['reset', 'reset', failure('connection', broken)],
  ['closed', 'close', failure('connection', broken)],
  ['closed while idle', { error: stale }, failure('connection', { ...broken, isStale: true })],
  ['without a name', thrown('getaddrinfo', 'ENOTFOUND'), failure('connection', { retry: 'never' })],
  ['without a name for now', thrown('getaddrinfo', 'EAI_AGAIN'), failure('connection')],
  ['of a bad certificate', thrown('tls', 'CERT_HAS_EXPIRED'), failure('connection', { retry: 'never' })],
  ['not answered in time', thrown('read', 'ETIMEDOUT'), failure('timeout', { isAmbiguous: true })],
]

const hang = { group: 'network', reply: { network: 'hang' }, means: { kind: 'hang' }, abort: late } as const

/** Connections that fail: for ever, once, and for the primary alone. */
export const network: readonly Fault[] = [
  ...networks.flatMap(([name, reply, failure]): Fault[] => {
    const common = {
      group: 'network',
      reply: typeof reply === 'string' ? { network: reply } : reply,
      means: { kind: 'failure', failure },
    } as const
    return [
      { ...common, name: `a connection ${name}, for ever` },
      { ...common, name: `a connection ${name}, of the primary`, isPrimaryOnly: true },
      { ...common, name: `a connection ${name}, once`, times: 1 },
    ]
  }),
  { ...hang, name: 'no answer, for ever' },
  { ...hang, name: 'no answer, of the primary', isPrimaryOnly: true },
  { ...hang, name: 'no answer, once', times: 1 },
  {
    name: 'an answer that breaks off',
    group: 'network',
    reply: { text, fault: { kind: 'cut', at: 40 } },
    means: {
      kind: 'stream',
      stream: { at: 'content', how: 'cut', failure: bad, hasStopReason: false, hasBegun: true },
    },
  },
]
