import type { Classification } from '@breakwater/classify'
import { assertFunction, assertOption, type MiddlewareRequest } from '@breakwater/core'

/** Fields to set on the top level of a request's JSON body: a value sets, `null` removes, what is absent stays. */
export type BodyPatch = Readonly<Record<string, unknown>>

/** Somewhere else to send the call: another model, region, gateway or provider. At least one field says what differs. */
export interface SendTarget {
  /** @default the model of the request */
  model?: string | undefined
  /**
   * Applied to the original body, never to that of another target. A field is replaced whole; `model` and `stream` cannot
   * be patched.
   */
  patch?: BodyPatch | undefined
  /**
   * What stands before `/v1/…` in the URL. With another origin the credentials of the request stay behind: give
   * `headers`.
   */
  baseURL?: string | undefined
  /** A value sets a header, `null` removes it. */
  headers?: Readonly<Record<string, string | null | undefined>> | undefined
  /** Sends in place of everything that stands inside of `modelFailover`. */
  fetch?: typeof globalThis.fetch | undefined
  /** Who it is in events, logs and `breakwater-served-by`. @default the model, the host, or the place in the list */
  name?: string | undefined
}

/** What a `respond` gets. */
export interface RespondInput {
  /** The original request. Its headers carry credentials. */
  readonly request: MiddlewareRequest
  /** What the target before has failed with, or what its cooldown began with. */
  readonly failure: Classification
  /** Ends with the call. */
  readonly signal: AbortSignal | undefined
}

/** Answers by itself: from a cache, or with less. */
export interface RespondTarget {
  /** Returns a response, or the text of a message, which becomes a whole answer of the form that was asked for. */
  respond: (input: RespondInput) => Response | string | Promise<Response | string>
  /** @default the place in the list */
  name?: string | undefined
}

/** Where a call goes when its own model fails: the name of a model, or more. */
export type FailoverTarget = string | SendTarget | RespondTarget

/** A target that was checked. */
export interface Target {
  readonly name: string
  /** Its place in the list, from 1: 0 is the primary. */
  readonly index: number
  readonly model: string | undefined
  readonly patch: BodyPatch | undefined
  readonly baseURL: string | undefined
  readonly headers: Readonly<Record<string, string | null | undefined>> | undefined
  readonly fetch: typeof globalThis.fetch | undefined
  readonly respond: RespondTarget['respond'] | undefined
}

const known: readonly string[] = ['model', 'patch', 'baseURL', 'headers', 'fetch', 'respond', 'name']
const differences: readonly string[] = known.filter((field) => field !== 'name')

/**
 * Checks the targets and names them.
 *
 * @throws {TypeError} for a bad target, naming it and its field.
 */
export function targetsOf(to: readonly FailoverTarget[]): readonly Target[] {
  assertOption(Array.isArray(to) && to.length > 0, 'to', 'an array of at least one target', to)
  const names = new Set<string>()
  return to.map((given, index) => targetOf(given, index, names))
}

/** Whether a target asks for nothing else than a request for `model` does anyway. */
export function isSame(
  { model, patch, baseURL, headers, fetch, respond }: Target,
  of: string | undefined,
): boolean {
  return model === of && (patch ?? baseURL ?? headers ?? fetch ?? respond) === undefined
}

function targetOf(given: unknown, index: number, names: Set<string>): Target {
  const at = `to[${index}]`
  const form =
    'a model, or an object with at least one of `model`, `patch`, `baseURL`, `headers`, `fetch`, `respond`'
  const target = typeof given === 'string' ? { model: given } : given
  assertOption(isRecord(target), at, form, given)
  for (const field of Object.keys(target)) {
    assertOption(known.includes(field), `${at}.${field}`, `one of ${known.join(', ')}`, field)
  }
  assertOption(
    differences.some((field) => target[field] !== undefined),
    at,
    form,
    given,
  )
  const { respond, name } = target
  const [model, fetch] = [target['model'], target['fetch']]
  const own = typeof given === 'string' ? at : `${at}.model`
  assertOption(model === undefined || isName(model), own, 'a name in ASCII', model)
  assertFunction(`${at}.fetch`, fetch)
  assertFunction(`${at}.respond`, respond)
  const others = differences.filter((field) => field !== 'respond' && target[field] !== undefined)
  const isAlone = respond === undefined || others.length === 0
  assertOption(isAlone, `${at}.${others[0]}`, 'absent beside `respond`', target[others[0] ?? ''])
  const baseURL = baseOf(target['baseURL'], `${at}.baseURL`)

  assertOption(name === undefined || isName(name), `${at}.name`, 'a name in ASCII', name)
  assertOption(name === undefined || !names.has(name), `${at}.name`, 'a name of its own', name)
  const unique = name ?? defaultName({ model, baseURL, respond }, index, names)
  names.add(unique)
  return {
    name: unique,
    index: index + 1,
    model,
    patch: patchOf(target['patch'], `${at}.patch`),
    baseURL,
    headers: headersOf(target['headers'], `${at}.headers`),
    fetch: fetch as Target['fetch'],
    respond: respond as Target['respond'],
  }
}

function defaultName(
  { model, baseURL, respond }: { model: string | undefined; baseURL: string | undefined; respond: unknown },
  index: number,
  names: ReadonlySet<string>,
): string {
  const host = baseURL === undefined ? undefined : new URL(baseURL).host
  const parts = [model, host].filter((part) => part !== undefined)
  const name = parts.join('@') || (respond === undefined ? `target-${index + 1}` : 'respond')
  return names.has(name) ? `${name}-${index + 1}` : name
}

function patchOf(patch: unknown, at: string): BodyPatch | undefined {
  if (patch === undefined) return undefined
  assertOption(isRecord(patch) && isJson(patch), at, 'an object that can be written as JSON', patch)
  for (const field of ['model', 'stream']) {
    const why =
      field === 'model' ? 'absent: it stands beside the patch' : 'absent: the caller waits for its own form'
    assertOption(!(field in patch), `${at}.${field}`, why, patch[field])
  }
  return { ...patch }
}

function headersOf(headers: unknown, at: string): Target['headers'] {
  if (headers === undefined) return undefined
  assertOption(isRecord(headers) && !(headers instanceof Headers), at, 'a plain object', headers)
  const copy: Record<string, string | null | undefined> = {}
  for (const [name, value] of Object.entries(headers)) {
    // The value may be a secret: only its type is told.
    const isValid = value == null || (typeof value === 'string' && isHeader(name, value))
    assertOption(isValid, `${at}['${name}']`, 'a header that can be sent, or null', { value })
    copy[name] = value as string | null | undefined
  }
  return copy
}

function baseOf(base: unknown, at: string): string | undefined {
  if (base === undefined) return undefined
  const url = typeof base === 'string' && URL.canParse(base) ? new URL(base) : undefined
  const isPlain = url !== undefined && /^https?:$/.test(url.protocol) && url.search + url.hash === ''
  assertOption(isPlain, at, 'a URL of http or https without a query', base)
  // It is a secret: not told.
  assertOption(url.username + url.password === '', at, 'a URL without a user and a password', {})
  return url.href.replace(/\/+$/, '')
}

/** It can stand in a header. */
function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 256 && /^[!-~](?:[ -~]*[!-~])?$/.test(value)
}

function isHeader(name: string, value: string): boolean {
  try {
    new Headers().set(name, value)
    return true
  } catch {
    return false
  }
}

function isJson(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined
  } catch {
    return false
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
