import {
  asksForStream,
  isMessageRequest,
  modelOf,
  type MiddlewareContext,
  type MiddlewareRequest,
} from '@breakwater/core'
import type { Attributes } from '@opentelemetry/api'
import { attribute } from './names.ts'
import type { Settings } from './options.ts'
import { serverOf, type Server } from './server.ts'

/** What telemetry needs of a request. */
export interface CallRequest {
  readonly method: string
  readonly model: string | undefined
  /** The model as a label. */
  readonly modelName: string | undefined
  readonly server: Server | undefined
  readonly isMessage: boolean
  readonly isStream: boolean
}

/** Makes a reader of requests that remembers the last server: a client has one. */
export function createRequestReader({
  nameOf,
}: Pick<Settings, 'nameOf'>): (request: MiddlewareRequest, ctx: MiddlewareContext) => CallRequest {
  let lastUrl = ''
  let lastServer: Server | undefined
  return (request, ctx) => {
    const { url } = request
    if (url !== lastUrl) {
      lastUrl = url
      lastServer = serverOf(url)
    }
    const model = modelOf(request, ctx)
    return {
      method: request.method ?? 'GET',
      model,
      modelName: model === undefined ? undefined : nameOf(model),
      server: lastServer,
      isMessage: isMessageRequest(request),
      isStream: asksForStream(request, ctx),
    }
  }
}

/** The same request for another model. */
export function ofModel(
  request: CallRequest,
  model: string | undefined,
  { nameOf }: Pick<Settings, 'nameOf'>,
): CallRequest {
  return model === undefined || model === request.model
    ? request
    : { ...request, model, modelName: nameOf(model) }
}

/** The label of a model; none where a request names none. */
export function modelLabel(modelName: string | undefined): Attributes {
  return modelName === undefined ? {} : { [attribute.requestModel]: modelName }
}

/** What the conventions ask for of every GenAI metric. */
export function genAiAttributes(
  { modelName, server }: CallRequest,
  responseModel: string | undefined,
  own: Attributes,
): Attributes {
  const attributes: Attributes = {
    [attribute.operation]: 'chat',
    [attribute.provider]: 'anthropic',
  }
  if (modelName !== undefined) attributes[attribute.requestModel] = modelName
  if (responseModel !== undefined) attributes[attribute.responseModel] = responseModel
  if (server !== undefined) {
    attributes[attribute.serverAddress] = server.address
    attributes[attribute.serverPort] = server.port
  }
  return Object.assign(attributes, own)
}

/** What a span of our own says of the parameters; the SDK knows them without parsing, a `fetch` does not. */
export function parameterAttributes(ctx: MiddlewareContext): Attributes {
  const body = ctx.options?.body
  const attributes: Attributes = {}
  for (const [name, key] of parameters) {
    const value: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, key) : undefined
    if (typeof value === 'number') attributes[name] = value
  }
  return attributes
}

const parameters = [
  [attribute.requestMaxTokens, 'max_tokens'],
  [attribute.requestTemperature, 'temperature'],
  [attribute.requestTopP, 'top_p'],
  [attribute.requestTopK, 'top_k'],
] as const
