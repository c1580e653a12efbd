import { secrets, type Fault } from './fault.ts'
import { hasEndlessBody, looks, type Setting } from './model/predict.ts'
import type { Observation, Returned, Sent } from './observation.ts'

/** What is wrong with a run; `undefined` where nothing is. */
export type Check = (seen: Observation, setting: Setting) => string | undefined

/** The laws of the design, section 5, that a single run can break. */
export const laws: Readonly<Record<string, Check>> = {
  '1 never is once': neverIsOnce,
  '1 at most as described': asDescribed,
  '2 the last answer, byte for byte': lastAnswer,
  '3 no body left': noBodyLeft,
  '3 no timer left': ({ left }) => problem(left.timers > 0, `${left.timers} timers left`),
  '3 no listener left': ({ left }) => problem(left.listeners > 0, `${left.listeners} listeners left`),
  '3 no rejection unhandled': ({ left }) => problem(left.rejections > 0, `${left.rejections} rejections`),
  '3 every call ends': ({ hangs }) => problem(hangs, 'hangs'),
  '4 an abort ends the call at once': endsAtOnce,
  '4 nothing is sent after an abort': nothingAfterAbort,
  '4 an abort is the caller’s reason': abortReason,
  '4 an abort counts as no failure': countsAsNone,
  '6 a line in the ledger for each request': ledgerIsTrue,
  '9 nothing secret is written': nothingSecret,
}

function problem(isBroken: boolean, text: string): string | undefined {
  return isBroken ? text : undefined
}

/** The SDK's own retries, which `describe` leaves out: none where a retry of ours answers for it, but for errors in a `fetch`. */
function sdkTries({ order, client, maxRetries }: Setting): number {
  if (client === 'fetch') return 1
  return order.includes('retry') && client === 'middleware' ? 1 : 1 + maxRetries
}

function callsOf({ calls = 1, isRepeated = false }: Fault): number {
  return isRepeated ? calls + 1 : calls
}

function neverIsOnce(
  { sent }: Observation,
  { fault, order, maxRetries, client }: Setting,
): string | undefined {
  const { means } = fault
  const calls = callsOf(fault)
  if (means.kind !== 'failure' || means.failure.retry !== 'never') return undefined
  // The SDK does not know the verdict: where nobody tells it, it tries again.
  const isTold = order.includes('retry') && (client === 'middleware' || means.failure.status !== undefined)
  // Of two failovers each has its own targets, though they have one name.
  const copies = Math.max(1, order.filter((part) => part === 'failover').length)
  const tries = maxRetries === 0 || client === 'fetch' || isTold ? calls : calls * (1 + maxRetries)
  const counts = new Map<string, number>()
  for (const { model } of sent) counts.set(model, (counts.get(model) ?? 0) + 1)
  return problem(Math.max(0, ...counts.values()) > tries * copies, `${JSON.stringify([...counts])} requests`)
}

function asDescribed({ sent, maxRequests }: Observation, setting: Setting): string | undefined {
  const calls = callsOf(setting.fault)
  const most = calls * sdkTries(setting) * maxRequests
  return problem(sent.length > most, `${sent.length} requests, ${most} described`)
}

function lastAnswer({ returned, sent, outcomes }: Observation, setting: Setting): string | undefined {
  const { fault, order, maxRetries } = setting
  if ((fault.calls ?? 1) > 1) return undefined
  const last = returned.at(-1)
  if (last === undefined || 'error' in last || isOwn(last)) return undefined
  const answers = sent.filter(({ status }) => status !== undefined)
  const answered = answers.at(-1)
  if (answered === undefined) return 'an answer that upstream did not give'
  if (outcomes.at(-1)?.ending === 'aborted') return isPrefix(last.bytes, answered.bytes)
  // A guard makes a response of an early failure: the text of the event, under the status of its type.
  if (order.includes('guard') && answered.status === 200 && last.status >= 400) return undefined
  // Where the SDK retries all the same, a retry repeats what a target has said before.
  const isRepeated = maxRetries > 0 && order.includes('retry')
  const those = isRepeated ? answers : [answered]
  const problems = those.map((answer) => differsFrom(answer, last, setting))
  return problems.includes(undefined) ? undefined : problems.at(-1)
}

function differsFrom(answer: Sent, last: Returned, { fault }: Setting): string | undefined {
  if (last.status !== answer.status) return `status ${last.status} of ${answer.status}`
  // What breaks off, or does not end, is passed on as far as it came; a guard cuts before what is broken.
  const isCut = fault.means.kind === 'stream' || answer.body !== 'ended' || answer.bytes.length > 65_536
  return isCut || last.body !== 'ended'
    ? isPrefix(last.bytes, answer.bytes)
    : isEqual(last.bytes, answer.bytes)
}

/** Whether a response stands for an error of ours, as it does under `createFetch`. */
function isOwn({ status, bytes }: Returned): boolean {
  return status === 503 && new TextDecoder().decode(bytes).includes('"request_id":null')
}

function isPrefix(part: Uint8Array, whole: Uint8Array): string | undefined {
  const is = part.length <= whole.length && Buffer.compare(part, whole.subarray(0, part.length)) === 0
  return problem(!is, `${part.length} bytes that are not the first of upstream’s ${whole.length}`)
}

function isEqual(one: Uint8Array, other: Uint8Array): string | undefined {
  return problem(Buffer.compare(one, other) !== 0, `${one.length} bytes, not upstream’s ${other.length}`)
}

function noBodyLeft({ sent, hangs }: Observation): string | undefined {
  if (hangs) return undefined
  const open = sent.filter(({ body }) => body === 'unread' || body === 'open')
  return problem(
    open.length > 0,
    open.map(({ model, status, body }) => `${status} of ${model} ${body}`).join(', '),
  )
}

function endsAtOnce({ abortedAt, abortedAtOnce }: Observation): string | undefined {
  return problem(abortedAt !== undefined && !abortedAtOnce, 'goes on after the abort')
}

function nothingAfterAbort({
  abortedAt = Infinity,
  sent,
  sentBefore,
  events,
}: Observation): string | undefined {
  const late = sent.slice(0, sentBefore).filter(({ at }) => at > abortedAt).length
  const moves = events.after.filter((type) => type === 'retry' || type === 'failover').length
  return problem(late + moves > 0, `${late} requests, ${moves} retries and moves after the abort`)
}

/** What opens a circuit, begins a cooldown or gives a retry up is a failure of somebody else's. */
function countsAsNone({ events }: Observation, { fault }: Setting): string | undefined {
  if ((fault.calls ?? 1) > 1) return undefined
  const found = events.after.filter((type) =>
    /^(breaker_state|cooldown|retry_exhausted|failover_exhausted|gate)$/.test(type),
  )
  return problem(found.length > 0, `${found.join(', ')} after the abort`)
}

function abortReason(
  { outcomes, abortedAt, abortReason }: Observation,
  { client, fault, order }: Setting,
): string | undefined {
  const ending = outcomes.find(({ endedAt }) => abortedAt !== undefined && endedAt >= abortedAt)
  if (ending === undefined) return undefined
  // An error's body that nobody bounds: the SDK makes do with what it has of it.
  if (client !== 'fetch' && hasEndlessBody(fault) && !looks(order)) return undefined
  if (ending.ending !== 'aborted') return `${ending.ending}, not aborted`
  return problem(client === 'fetch' && ending.error !== abortReason, 'another reason than the caller’s')
}

function ledgerIsTrue({ ledger, sent, counted }: Observation, { order }: Setting): string | undefined {
  if (order.length === 0) return undefined
  if (ledger !== sent.length) return `${ledger} lines for ${sent.length} requests`
  return problem(
    counted !== undefined && counted !== sent.length,
    `telemetry counts ${counted} of ${sent.length} requests`,
  )
}

function nothingSecret({ written }: Observation): string | undefined {
  const found = Object.entries(secrets).filter(([, text]) => written.includes(text))
  return problem(
    found.length > 0,
    found.map(([name, text]) => `${name}: …${around(written, text)}…`).join(', '),
  )
}

function around(text: string, part: string): string {
  const at = text.indexOf(part)
  return text.slice(Math.max(0, at - 80), at + 40)
}
