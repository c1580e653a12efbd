import type { MiddlewareContext, MiddlewareRequest } from './middleware.ts'

const first = /^\s*\{\s*"stream"\s*:\s*true\s*[,}]/
const last = /"stream"\s*:\s*true\s*\}\s*$/

/**
 * Whether a request asks for a stream, as far as can be told without parsing its body: the SDK says so, and under
 * `createFetch` the field stands first or last, which is where clients put it. Elsewhere it might belong to a tool.
 */
export function asksForStream({ body }: MiddlewareRequest, ctx: MiddlewareContext): boolean {
  if (ctx.options !== undefined) return ctx.options.stream === true
  return typeof body === 'string' && (last.test(body.slice(-64)) || first.test(body.slice(0, 64)))
}

/** Whether a request is for a message: the endpoint whose streams begin with `message_start` and end with `message_stop`. */
export function isMessageRequest({ url }: MiddlewareRequest): boolean {
  return /\/messages\/?(?:\?|$)/.test(url)
}

/** Whether the body of a response is an event stream, by its `content-type`. */
export function isEventStream({ headers }: Response): boolean {
  return /^\s*text\/event-stream\s*(?:;|$)/i.test(headers.get('content-type') ?? '')
}
