import { modelOf, type MiddlewareContext, type MiddlewareRequest } from '@breakwater/core'

/** What kind of request a URL is for, and what it says of its limits. */
export interface UrlKind {
  readonly origin: string
  /** `undefined`: nothing that is limited here. */
  readonly kind: 'message' | 'count_tokens' | undefined
  /** Bedrock and Vertex through `fetch` name it here. */
  readonly model: string | undefined
  /** The keys that calls of this URL have had, by class of models; the first credential's. */
  readonly keys: Map<string, string>
}

/** URLs with an id in them have no end, and a model may be any text. */
const maxKept = 200
const kinds = new Map<string, UrlKind>()

const message = /\/messages\/?(?:\?|$)/
const countTokens = /\/messages\/count_tokens\/?(?:\?|$)/
const cloud =
  /\/model\/([^/?]+)\/invoke(?:-with-response-stream)?(?:\?|$)|\/models\/([^/?:]+):(?:streamR|r)awPredict(?:\?|$)/

/** A URL is looked at once. */
export function kindOf(url: string): UrlKind {
  let found = kinds.get(url)
  if (found === undefined) {
    if (kinds.size >= maxKept) kinds.clear()
    found = look(url)
    kinds.set(url, found)
  }
  return found
}

/**
 * The class of models whose limits a call counts against: `opus`, `sonnet`, `haiku`… share theirs among their versions. A model of
 * another name is a class of its own, and fast mode has limits of its own.
 */
export function classOf(
  { kind, model }: UrlKind,
  request: MiddlewareRequest,
  ctx: MiddlewareContext,
): string {
  if (kind === 'count_tokens') return kind
  const line = lineOf(modelOf(request, ctx) ?? model)
  return isFast(request, ctx) ? `${line} fast` : line
}

/** Models that were seen, and their class: a look at a name costs more than at a map. */
const lines = new Map<string, string>()

function lineOf(model: string | undefined): string {
  if (model === undefined) return ''
  let line = lines.get(model)
  if (line === undefined) {
    if (lines.size >= maxKept) lines.clear()
    line = /(?:^|[-.])(haiku|sonnet|opus|fable|mythos)(?:[-@]|$)/.exec(model)?.[1] ?? model
    lines.set(model, line)
  }
  return line
}

const fast = /"speed"\s*:\s*"fast"/
/** Clients put their parameters at the ends of the body, around the messages. */
const endLength = 512

/** Whether a call asks for fast mode, as far as a look at the ends of its body tells. */
function isFast({ body }: MiddlewareRequest, ctx: MiddlewareContext): boolean {
  const options = ctx.options?.body
  if (typeof options === 'object' && options !== null) return 'speed' in options && options.speed === 'fast'
  if (typeof body !== 'string') return false
  if (body.length <= 2 * endLength) return body.includes('"speed"') && fast.test(body)
  return fast.test(body.slice(0, endLength)) || fast.test(body.slice(-endLength))
}

function look(url: string): UrlKind {
  const inUrl = cloud.exec(url)
  const model = inUrl?.[1] ?? inUrl?.[2]
  return {
    origin: URL.canParse(url) ? new URL(url).origin : 'relative',
    kind: countTokens.test(url)
      ? 'count_tokens'
      : message.test(url) || model !== undefined
        ? 'message'
        : undefined,
    model,
    keys: new Map(),
  }
}
