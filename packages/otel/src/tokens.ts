import type { Attributes } from '@opentelemetry/api'
import { genAiAttributes, modelLabel, type CallRequest } from './call-request.ts'
import type { Instruments } from './instruments.ts'
import { attribute } from './names.ts'
import type { Observation } from './observation.ts'
import { costOf, priceOf } from './prices.ts'
import type { Telemetry } from './telemetry.ts'
import { inputTokens, type Answer } from './usage.ts'

/** Counts the tokens of an answer and what they cost: once for each that reports a usage, whoever gets it. */
export function recordTokens(
  { settings, instruments }: Telemetry,
  request: CallRequest,
  { answer, end }: Observation,
): void {
  const made = instruments()
  if (made === undefined || !request.isMessage) return
  const responseModel = answer.model === undefined ? undefined : settings.nameOf(answer.model)
  const attributes = genAiAttributes(request, responseModel, settings.attributes)
  const input = inputTokens(answer)
  const output = answer.outputTokens
  const { published, next } = made
  if (input !== undefined) published?.tokens.record(input, withType(attributes, 'input'))
  if (output !== undefined) published?.tokens.record(output, withType(attributes, 'output'))
  if (next !== undefined) recordNext(next, answer, attributes, end?.kind === 'complete')

  const { prices } = settings
  const price = prices && (priceOf(prices, answer.model) ?? priceOf(prices, request.model))
  const cost = price && costOf(answer, price)
  if (cost === undefined) return
  const label = modelLabel(request.modelName)
  label[attribute.costSource] = 'local'
  if (responseModel !== undefined) label[attribute.responseModel] = responseModel
  made.own.cost.add(cost, label)
}

function recordNext(
  next: NonNullable<Instruments['next']>,
  answer: Answer,
  attributes: Attributes,
  isWhole: boolean,
): void {
  const input = inputTokens(answer) ?? 0
  const output = answer.outputTokens ?? 0
  // Counters are kept for failed calls too, with 0 where nothing was reported; the histograms are not.
  const counted: Attributes = Object.assign({}, attributes, { [attribute.tokenModality]: 'unknown' })
  next.inputTokens.add(input, counted)
  next.outputTokens.add(output, counted)
  next.cacheReadTokens.add(answer.cacheReadTokens ?? 0, counted)
  next.cacheWriteTokens.add(answer.cacheWriteTokens ?? 0, counted)
  next.reasoningTokens.add(answer.reasoningTokens ?? 0, counted)
  if (!isWhole) return
  next.inputTokensPerCall.record(input, attributes)
  next.outputTokensPerCall.record(output, attributes)
}

function withType(attributes: Attributes, type: 'input' | 'output'): Attributes {
  return Object.assign({}, attributes, { [attribute.tokenType]: type })
}
