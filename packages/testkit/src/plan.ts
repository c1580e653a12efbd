import { plainSteps, streamSteps } from './body-steps.ts'
import { paced, type Step } from './pacing.ts'
import { type ErrorBody, errorBody, htmlPage } from './error-body.ts'
import { type FakeMessage, buildMessage } from './message.ts'
import type { Random } from './random.ts'
import type { BodyFault, NetworkFault, ReplyFields } from './reply.ts'
import { replyHeaders } from './reply-headers.ts'
import type { FakeRequest, RecordedReply, ReplySource } from './request.ts'
import { findProblem, otherBody } from './routes.ts'
import { messageEvents } from './sse.ts'

/** What to send, and when: all that a transport has to know. */
export interface Plan {
  /** Wait before the headers, or before the network fault. */
  delayMs: number
  /** Network fault to play instead of an answer. */
  network: Exclude<NetworkFault, 'resetOnReusedSocket'> | undefined
  status: number
  headers: Record<string, string>
  steps: Iterable<Step>
  /** Whether the whole body is there at once: no wait in it, and an end. */
  immediate: boolean
  /** Whether the body never ends of itself, so that back-pressure matters. */
  endless: boolean
  /** Tokens that the answer spent. */
  outputTokens: number
  reply: RecordedReply
}

/** What a plan is made from, besides the reply. */
export interface PlanContext {
  request: FakeRequest
  source: ReplySource
  requestId: string
  random: Random
  /** Whether the request came over a connection that had served one before. */
  reused: boolean
  /** Milliseconds since the epoch. */
  nowMs: number
  /** Headers that hold for every answer. */
  headers: Readonly<Record<string, string>>
  /** Names of the models that exist. */
  models: readonly string[]
}

interface Content {
  status: number
  source?: ReplySource
  contentType: string
  bytes?: Uint8Array<ArrayBuffer>
  message?: FakeMessage
  errorType?: string
}

const encoder = new TextEncoder()
const unending: ReadonlySet<string> = new Set(['stall', 'pings', 'drip'])

/** Turns a reply into a plan: decides everything, does nothing. */
export function planReply(reply: ReplyFields, context: PlanContext): Plan {
  const { source, requestId } = context
  const network =
    reply.network === 'resetOnReusedSocket' ? (context.reused ? 'close' : undefined) : reply.network
  const fault = typeof reply.fault === 'string' ? { kind: reply.fault } : reply.fault
  const { delayMs = 0 } = reply
  const recorded = { source, requestId, errorCode: reply.code }
  if (network !== undefined) {
    return {
      delayMs,
      network,
      status: 0,
      headers: {},
      steps: [],
      immediate: true,
      endless: false,
      outputTokens: 0,
      reply: { ...recorded, status: undefined, headers: {}, errorType: undefined, fault: network },
    }
  }
  const content = contentOf(reply, context)
  const { gapMs = 0, endless = false } = reply
  const immediate = gapMs === 0 && !endless && !unending.has(fault?.kind ?? '')
  const hasBody = !isBodiless(content.status)
  const steps = hasBody ? paced(stepsOf(content, reply, fault, context), reply.chunkBytes, gapMs) : []
  const streams = content.bytes === undefined
  const { status, contentType } = content
  const headers = replyHeaders(reply, { ...context, status, contentType, streams })
  if (immediate && fault === undefined && content.bytes !== undefined && hasBody) {
    headers['content-length'] ??= String(content.bytes.length)
  }
  return {
    delayMs,
    network: undefined,
    status: content.status,
    headers,
    steps: immediate ? [...steps] : steps,
    immediate,
    endless: endless || fault?.kind === 'pings',
    outputTokens: content.message?.usage.output_tokens ?? 0,
    reply: {
      ...recorded,
      source: content.source ?? source,
      status: content.status,
      headers,
      errorType: content.errorType,
      fault: fault?.kind,
    },
  }
}

/** Says whether a status never has a body. */
export function isBodiless(status: number): boolean {
  return status === 204 || status === 205 || status === 304
}

function contentOf(reply: ReplyFields, { request, requestId, random, models }: PlanContext): Content {
  const { status = 200 } = reply
  if (reply.html !== undefined) {
    const page = reply.html === true ? htmlPage(status) : reply.html
    return { status, contentType: 'text/html; charset=UTF-8', bytes: encoder.encode(page) }
  }
  if (reply.bodyBase64 !== undefined) {
    const bytes = Uint8Array.from(atob(reply.bodyBase64), (character) => character.charCodeAt(0))
    return { status, contentType: 'application/octet-stream', bytes }
  }
  if (typeof reply.body === 'string') {
    return { status, contentType: 'text/plain; charset=utf-8', bytes: encoder.encode(reply.body) }
  }
  if (reply.body !== undefined) return json(status, reply.body)
  if (status >= 400) return errorContent(status, errorBody(status, requestId, reply))
  const problem = findProblem(request, models)
  if (problem !== undefined) {
    const body = errorBody(problem.status, requestId, problem)
    return { ...errorContent(problem.status, body), source: 'validation' }
  }
  const other = otherBody(request, models)
  if (other !== undefined) return json(status, other)
  const message = buildMessage(reply, request, random)
  if (request.stream) return { status, contentType: 'text/event-stream; charset=utf-8', message }
  return { ...json(status, message), message }
}

function errorContent(status: number, body: ErrorBody): Content {
  return { ...json(status, body), errorType: body.error.type }
}

function json(status: number, body: unknown): Content {
  return { status, contentType: 'application/json', bytes: encoder.encode(JSON.stringify(body)) }
}

function stepsOf(
  content: Content,
  reply: ReplyFields,
  fault: BodyFault | undefined,
  { requestId }: PlanContext,
): Iterable<Step> {
  const { endless = false, deltaChars = 12, newline = '\n' } = reply
  if (content.message !== undefined && content.bytes === undefined) {
    const truncateToolJson = fault?.kind === 'truncatedToolJson'
    const events = messageEvents(content.message, { deltaChars, newline, truncateToolJson })
    return streamSteps(events, truncateToolJson ? undefined : fault, { requestId, newline, endless })
  }
  const bytes = content.bytes ?? new Uint8Array()
  // An endless JSON body never gets to its closing brace.
  return plainSteps(endless ? bytes.slice(0, -1) : bytes, fault, endless)
}
