import { estimateTokens } from './message.ts'
import type { FakeRequest } from './request.ts'

/** Models that exist unless the option `models` says otherwise. */
export const defaultModels: readonly string[] = [
  'claude-fable-5-2',
  'claude-opus-5-5',
  'claude-sonnet-5-5',
  'claude-haiku-5-5',
]

/** Says whether a request creates a message, which rate limits and capacity are about. */
export function isMessageRequest({ method, path }: Pick<FakeRequest, 'method' | 'path'>): boolean {
  return method === 'POST' && path === '/v1/messages'
}

/** Finds what the real API would refuse in a request: an unknown endpoint or model id, a body without its fields. */
export function findProblem(
  request: FakeRequest,
  models: readonly string[],
): { status: number; message: string } | undefined {
  const { method, path, body } = request
  if (method === 'GET' && path === '/v1/models') return undefined
  const id = modelId(request)
  if (id !== undefined) return models.includes(id) ? undefined : { status: 404, message: `model: ${id}` }
  const counts = method === 'POST' && path === '/v1/messages/count_tokens'
  if (!counts && !isMessageRequest(request)) return { status: 404, message: 'Not Found' }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { status: 400, message: 'The request body is not valid JSON: expected an object' }
  }
  const fields: Readonly<Record<string, unknown>> = { ...body }
  if (typeof fields['model'] !== 'string') return { status: 400, message: 'model: Field required' }
  if (!Array.isArray(fields['messages'])) return { status: 400, message: 'messages: Field required' }
  if (!counts && typeof fields['max_tokens'] !== 'number') {
    return { status: 400, message: 'max_tokens: Field required' }
  }
  return undefined
}

/** Builds the answer to a good request that does not create a message; undefined when it does. */
export function otherBody(request: FakeRequest, models: readonly string[]): object | undefined {
  if (isMessageRequest(request)) return undefined
  if (request.method === 'POST') return { input_tokens: estimateTokens(request.text) }
  const id = modelId(request)
  if (id !== undefined) return modelInfo(id)
  return {
    data: models.map(modelInfo),
    has_more: false,
    first_id: models[0] ?? null,
    last_id: models.at(-1) ?? null,
  }
}

/** The line of a model, which shares its rate limits: `claude-haiku-5-5` and `claude-haiku-4-5` are both `haiku`. */
export function modelLine(model: string): string {
  return /(?:^|-)(haiku|sonnet|opus|fable|mythos)(?:-|$)/.exec(model)?.[1] ?? model
}

function modelId({ method, path }: FakeRequest): string | undefined {
  const id = /^\/v1\/models\/([^/]+)$/.exec(path)?.[1]
  if (method !== 'GET' || id === undefined) return undefined
  try {
    return decodeURIComponent(id)
  } catch {
    return id
  }
}

function modelInfo(id: string): object {
  return {
    type: 'model',
    id,
    display_name: id,
    created_at: '2026-01-01T00:00:00Z',
    deprecated_at: null,
    retires_at: null,
    lifecycle: 'active',
    line: modelLine(id) === id ? null : modelLine(id),
    max_input_tokens: 200_000,
    max_tokens: 64_000,
    capabilities: null,
  }
}
