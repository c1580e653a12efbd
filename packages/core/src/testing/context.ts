import type { MiddlewareContext, MiddlewareRequest } from '../middleware.ts'

/** A context as the SDK makes one, for tests that call a middleware by hand. */
export function testContext(parts: Partial<MiddlewareContext> = {}): MiddlewareContext {
  return { logger: console, parse: () => Promise.reject(new Error('The test parses nothing.')), ...parts }
}

export function testRequest(init: RequestInit = {}): MiddlewareRequest {
  return {
    method: 'POST',
    body: '{}',
    ...init,
    url: 'http://test.invalid/v1/messages',
    headers: new Headers(init.headers),
  }
}
