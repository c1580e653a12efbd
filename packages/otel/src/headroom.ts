import { modelLabel } from './call-request.ts'
import { attribute } from './names.ts'
import { headroomOf } from './rate-limit.ts'
import type { Telemetry } from './telemetry.ts'

/** Keeps what an answer says of the limits of the account. */
export function recordHeadroom(
  { settings, instruments }: Telemetry,
  headers: Headers,
  model: string | undefined,
): void {
  const own = instruments()?.own
  if (own === undefined) return
  for (const { type, limit, remaining, resetTime } of headroomOf(headers)) {
    const label = modelLabel(model && settings.nameOf(model))
    label[attribute.limitType] = type
    if (limit !== undefined) own.rateLimitLimit.record(limit, label)
    if (remaining !== undefined) own.rateLimitRemaining.record(remaining, label)
    if (resetTime !== undefined) own.rateLimitReset.record(resetTime, label)
  }
}
