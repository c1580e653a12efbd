import { secrets, type Abort, type Fault } from './fault.ts'
import { failure } from './model/verdicts.ts'

const text = secrets.completion
const overloaded = failure('overloaded', { status: 529 })
const refused = failure('connection')

function abortOf(name: string, abort: Abort, fault: Omit<Fault, 'name' | 'group' | 'abort'>): Fault {
  return { name: `an abort ${name}`, group: 'abort', abort, ...fault }
}

const answered = { reply: { text }, means: { kind: 'answer' } } as const
const streamed = { reply: { text, deltaChars: 1, gapMs: 250 }, isStream: true } as const
/** Start, block, ping, 15 characters, and three of the end, each after 250 ms. */
const slow = { ...streamed, means: { kind: 'slow', lastsMs: 21 * 250 } } as const
const silent = { reply: { network: 'hang' }, means: { kind: 'hang' } } as const
const busy = {
  isRepeated: true,
  reply: { status: 529 },
  means: { kind: 'failure', failure: overloaded },
} as const
const down = {
  isRepeated: true,
  reply: { network: 'refused' },
  means: { kind: 'failure', failure: refused },
} as const
const endless = {
  isRepeated: true,
  reply: { status: 500, endless: true, chunkBytes: 100, gapMs: 400 },
  means: { kind: 'failure', failure: failure('server_error', { status: 500, readMs: 1000 }) },
} as const

/** The caller changes his mind, at each moment that there is. */
export const aborts: readonly Fault[] = [
  abortOf('before the call', { kind: 'before' }, answered),
  abortOf('as the request goes out', { kind: 'request', index: 0 }, answered),
  abortOf('as the second request goes out', { kind: 'request', index: 1 }, busy),
  abortOf('as the third request goes out', { kind: 'request', index: 2 }, down),
  abortOf('while there is no answer', { kind: 'at', ms: 100 }, silent),
  abortOf('while there is no answer, for long', { kind: 'at', ms: 30_250 }, silent),
  abortOf('in a wait', { kind: 'at', ms: 2250 }, busy),
  abortOf('in a later wait', { kind: 'at', ms: 12_250 }, busy),
  abortOf('in a wait for a circuit', { kind: 'at', ms: 3250 }, down),
  abortOf('in the body of an error', { kind: 'at', ms: 550 }, endless),
  abortOf('before the first content', { kind: 'at', ms: 650 }, slow),
  abortOf('at the first event', { kind: 'event', index: 0 }, slow),
  abortOf('in the middle of a stream', { kind: 'event', index: 6 }, slow),
  abortOf('in the silence of a stream', { kind: 'at', ms: 2600 }, slow),
]

function callsOf(name: string, fault: Omit<Fault, 'name' | 'group' | 'calls'>): Fault {
  return { name: `six calls at once: ${name}`, group: 'calls', calls: 6, ...fault, isRepeated: false }
}

/** Several calls at once through one stack. */
export const crowds: readonly Fault[] = [
  callsOf('answered', answered),
  callsOf('streamed', slow),
  callsOf('overloaded', busy),
  callsOf('overloaded, of the primary', { ...busy, isPrimaryOnly: true }),
  callsOf('overloaded, three of them', { ...busy, times: 3 }),
  callsOf('refused', down),
  callsOf('refused, three of them', { ...down, times: 3 }),
  callsOf('limited', {
    reply: { status: 429, retryAfter: 2 },
    means: { kind: 'failure', failure: failure('rate_limit', { status: 429, hintMs: 2000 }) },
    times: 6,
  }),
  callsOf('without a key', {
    reply: { status: 401 },
    means: { kind: 'failure', failure: failure('authentication', { status: 401 }) },
  }),
  callsOf('aborted', { ...busy, abort: { kind: 'at', ms: 2250 } }),
]
