import { answering, crowdedOut, overloadedStreams, slowStreams } from './answers.ts'
import { fallback, keys, primary, type Scene } from './scene.ts'

/** As long as load balancers wait for an answer unless they are told otherwise. */
const patienceMs = 60_000
const second = 1000
const minute = 60_000

/** Clients that think for 0.4 to 1.6 s after each answer. */
function crowd(clients: number, untilMs: number): Scene['load'] {
  return { kind: 'clients', clients, thinkMs: [400, 1600], untilMs }
}

/** Of an account that is far from its limits; every answer says so. */
const ample = { requestsPerMinute: 4000 }
const limited = { requestsPerMinute: 1200, burstMs: 1000 }
const fleet: Scene = {
  name: 'fleet',
  about:
    '200 clients make 5 calls each, without a pause, where the account allows 20 requests a second (a token bucket of one second).',
  load: { kind: 'clients', clients: 200, thinkMs: [0, 0], callsEach: 5 },
  use: 'whole',
  patienceMs,
  script: answering,
  dynamics: { rateLimit: limited },
  requestsPerSecond: 20,
  atOnce: 20,
}

const brown = { fromMs: 30 * second, toMs: 90 * second }
const brownout: Omit<Scene, 'name' | 'about'> = {
  load: crowd(50, 150 * second),
  use: 'whole',
  patienceMs,
  script: answering,
  fault: brown,
}

const out = { fromMs: 60 * second, toMs: 360 * second }
const outage: Scene = {
  name: 'outage',
  about: '50 clients; from minute 1 to 6 every request is a 500 or a 529. Two minutes after it.',
  load: crowd(50, 480 * second),
  use: 'whole',
  patienceMs,
  script: answering,
  dynamics: {
    rateLimit: ample,
    outages: [
      { ...out, reply: 529, share: 0.5 },
      { ...out, reply: 500 },
    ],
  },
  fault: out,
}

const instream: Scene = {
  name: 'instream',
  about:
    '25 readers of streams; for a minute 15 % of the streams are overloaded in band before their first content, 3 % after it.',
  load: crowd(25, 150 * second),
  use: 'shown',
  patienceMs,
  script: overloadedStreams(brown),
  dynamics: { rateLimit: ample },
  fault: brown,
}

const drip: Scene = {
  name: 'slow-drip',
  about:
    '25 readers of streams; for a minute 5 % of the streams send pings only, 5 % go on with a piece each 15 s.',
  load: crowd(25, 150 * second),
  use: 'shown',
  patienceMs,
  script: slowStreams(brown),
  dynamics: { rateLimit: ample },
  fault: brown,
  canStall: true,
}

/** All scenes; those of one family share the name before the slash. */
export const scenes: readonly Scene[] = [
  fleet,
  {
    ...fleet,
    name: 'fleet/minute',
    about: 'The same with a bucket of a minute, full at the beginning: 3,000 calls, 1,200 pass at once.',
    load: { kind: 'clients', clients: 200, thinkMs: [0, 0], callsEach: 15 },
    dynamics: { rateLimit: { requestsPerMinute: 1200, burstMs: minute } },
    atOnce: 1200,
  },
  {
    ...fleet,
    name: 'fleet/silent',
    about: 'The same without `retry-after` and `anthropic-ratelimit-*` headers.',
    isSilent: true,
  },
  {
    ...fleet,
    name: 'fleet/processes',
    about: 'The same, the 200 clients spread over 10 processes that know nothing of each other.',
    processes: 10,
  },
  {
    ...brownout,
    name: 'brownout30',
    about: '50 clients; for a minute 30 % of the requests are a 529.',
    dynamics: { rateLimit: ample, outages: [{ ...brown, reply: 529, share: 0.3 }] },
  },
  {
    ...brownout,
    name: 'brownout30/crowded',
    about: '50 clients; for a minute 8 requests are served at once, a third of what comes, and 529 beyond.',
    script: crowdedOut(brown, 8),
    dynamics: { rateLimit: ample },
  },
  {
    ...brownout,
    name: 'brownout90',
    about: '50 clients; for a minute 90 % of the requests are a 529.',
    dynamics: { rateLimit: ample, outages: [{ ...brown, reply: 529, share: 0.9 }] },
  },
  {
    ...brownout,
    name: 'brownout90/arrivals',
    about: 'The same with 20 calls a second, whether or not earlier ones are answered.',
    load: { kind: 'arrivals', perSecond: 20, untilMs: 150 * second },
    dynamics: { rateLimit: ample, outages: [{ ...brown, reply: 529, share: 0.9 }] },
  },
  outage,
  {
    ...outage,
    name: 'outage/refused',
    about: 'The same with refused connections.',
    dynamics: { rateLimit: ample, outages: [{ ...out, reply: { network: 'refused' } }] },
  },
  {
    ...outage,
    name: 'outage/arrivals',
    about: 'The same with 10 calls a second, whether or not earlier ones are answered.',
    load: { kind: 'arrivals', perSecond: 10, untilMs: 480 * second },
  },
  {
    ...brownout,
    name: 'rotation',
    about:
      '15 calls a second; at 0:30 the API key is revoked, at 1:00 the application has the new one: 401s in between.',
    dynamics: { rateLimit: ample, keys: [{ key: keys.first, toMs: 30 * second }, keys.second] },
    load: { kind: 'arrivals', perSecond: 15, untilMs: 120 * second },
    fault: { fromMs: 30 * second, toMs: 60 * second },
    rekeyedMs: 60 * second,
  },
  instream,
  {
    ...instream,
    name: 'instream/collected',
    about: 'The same where nobody sees a stream before it is whole: who wants may ask again for all of it.',
    use: 'collected',
  },
  {
    ...instream,
    name: 'instream/fallback',
    about: 'Shown as it comes; half of the streams of the first model are overloaded, another model is well.',
    script: overloadedStreams(brown, primary),
    hasFallback: true,
  },
  {
    ...brownout,
    name: 'primary-down',
    about: '25 clients; for three of five minutes the first model answers 529, another one is well.',
    load: crowd(25, 300 * second),
    dynamics: {
      rateLimit: ample,
      outages: [{ fromMs: minute, toMs: 4 * minute, reply: 529, model: primary }],
    },
    fault: { fromMs: minute, toMs: 4 * minute },
    hasFallback: true,
  },
  {
    ...brownout,
    name: 'spend-limit',
    about:
      '15 calls a second from 11:58; at noon the spend limit is reached: 429s with its code for the three minutes that follow.',
    load: { kind: 'arrivals', perSecond: 15, untilMs: 300 * second },
    dynamics: {
      rateLimit: ample,
      outages: [{ fromMs: 2 * minute, reply: { status: 429, code: 'enforced_spend_limit_reached' } }],
    },
    fault: { fromMs: 2 * minute, toMs: 300 * second },
  },
  drip,
  {
    ...drip,
    name: 'slow-drip/collected',
    about: 'The same where nobody sees a stream before it is whole.',
    use: 'collected',
  },
]

/** The model that is asked where the first has failed. */
export const modelsOf = ({
  hasFallback = false,
}: Scene): { model: string; fallback: string | undefined } => ({
  model: primary,
  fallback: hasFallback ? fallback : undefined,
})
