/** An HTTP request on its way to `fetch`: `RequestInit` with the full URL, and headers as `Headers`. */
export type MiddlewareRequest = RequestInit & {
  url: string
  /** The live headers of this attempt. Copy them before you change one: outer middleware sees the same object. */
  headers: Headers
}

/** Runs the rest of the chain, ending with `fetch`. May be called more than once. */
export type MiddlewareNext = (request: MiddlewareRequest) => Promise<Response>

/** A logger with the four levels that the SDK's has. */
export interface Logger {
  error(message: string, ...rest: unknown[]): void
  warn(message: string, ...rest: unknown[]): void
  info(message: string, ...rest: unknown[]): void
  debug(message: string, ...rest: unknown[]): void
}

/** The part of the SDK's request options that middleware may rely on. */
export interface CallOptions {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  path: string
  /** The parameters of the call before they were encoded. */
  body?: unknown
  stream?: boolean | undefined
  /** The signal that the caller passed: never the one on the request, which the SDK's timer shares. */
  signal?: AbortSignal | undefined | null
}

/** What every middleware of one attempt shares beside the request. */
export interface MiddlewareContext {
  /**
   * The SDK's options of this call, the same object for each of the SDK's own retries. `undefined` for
   * the SDK's credential exchanges and under {@link createFetch}.
   */
  readonly options?: CallOptions | undefined
  /** The client's logger, filtered to its level. */
  readonly logger: Logger
  /** Parses a response as the client would, and leaves its body readable. */
  parse<T = unknown>(response: Response): Promise<T>
}

/**
 * A function around each HTTP attempt of a client. It is the `Middleware` of `@anthropic-ai/sdk` (0.103 and
 * later), written down here so that nobody needs the SDK to use it.
 */
export type Middleware = (
  request: MiddlewareRequest,
  next: MiddlewareNext,
  ctx: MiddlewareContext,
) => Promise<Response>
