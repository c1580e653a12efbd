import { isEventStream, tapOf, tapped, type Attempt, type MiddlewareContext } from '@breakwater/core'
import { modelLabel, type CallRequest } from './call-request.ts'
import type { CallState } from './call-state.ts'
import { typeOfEnd } from './error-type.ts'
import { attribute } from './names.ts'
import { maxBodyBytes, observe, type Observation } from './observation.ts'
import type { Telemetry } from './telemetry.ts'
import { recordTokens } from './tokens.ts'

/** A response with a body that is watched. */
export interface Watched {
  readonly response: Response
  readonly observation: Observation
}

/** What is known where a response is to be watched. */
export interface WatchPlace {
  readonly telemetry: Telemetry
  readonly ctx: MiddlewareContext
  readonly state: CallState
  readonly request: CallRequest
  /** The line of the attempt that it came from. */
  readonly line: Attempt | undefined
  /** Whether nobody further inside has counted the tokens. */
  readonly counts: boolean
}

/** Watches the body of a response, unless somebody further inside does: then that is what is known of it. */
export function watch(response: Response, place: WatchPlace): Watched | undefined {
  const { body } = response
  if (body === null || body.locked) return undefined
  const { state, counts } = place
  const known = observationOf(state, response)
  if (known !== undefined) return { response, observation: known }
  const isStream = isEventStream(response)
  if (!isStream && !isWanted(response, place)) return undefined
  const carrier = tapped(response)
  const tap = tapOf(carrier)
  if (tap === undefined || carrier.body === null) return undefined
  const observation = observe(carrier.body, tap, { isStream, counts })
  state.observations.push(observation)
  if (counts) recordAtEnd(observation, place)
  return { response: carrier, observation }
}

function observationOf({ observations }: CallState, response: Response): Observation | undefined {
  if (observations.length === 0) return undefined
  const tap = tapOf(response)
  return observations.find((observation) => observation.tap.deref() === tap)
}

/** To watch an answer that is no stream costs microseconds: only where somebody has asked for what is in it. */
function isWanted({ headers }: Response, { telemetry, state, request }: WatchPlace): boolean {
  if (!telemetry.settings.tokens || !request.isMessage) return false
  if (telemetry.instruments() === undefined && state.run?.span?.isRecording() !== true) return false
  if (Number(headers.get('content-length')) > maxBodyBytes) return false
  return /^application\/json\b/i.test(headers.get('content-type') ?? '')
}

function recordAtEnd(observation: Observation, { telemetry, ctx, request, line }: WatchPlace): void {
  observation.whenEnded((ended) => {
    telemetry.guard(ctx, () => {
      recordTokens(telemetry, request, ended)
      if (ended.isStream) recordStream(telemetry, request, ended, line?.startedAt)
    })
  })
}

function recordStream(
  { instruments }: Telemetry,
  request: CallRequest,
  { end, endedAt, headersAt, firstContentAt }: Observation,
  sentAt: number | undefined,
): void {
  const own = instruments()?.own
  if (own === undefined || end === undefined) return
  const label = modelLabel(request.modelName)
  if (firstContentAt !== undefined && sentAt !== undefined)
    own.attemptFirstChunk.record((firstContentAt - sentAt) / 1000, label)
  const withEnd = modelLabel(request.modelName)
  withEnd[attribute.streamEnd] = end.kind
  const errorType = typeOfEnd(end)
  if (errorType !== undefined) withEnd[attribute.errorType] = errorType
  own.streamDuration.record((endedAt - headersAt) / 1000, withEnd)
}
