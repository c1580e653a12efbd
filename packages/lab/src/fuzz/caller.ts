import { createFetch, type Logger, type Middleware } from '@breakwater/core'
import { seams } from '@breakwater/testing'
import { primary, secrets } from '../orders/fault.ts'
import type { Dice } from './dice.ts'

/** What a caller is made of. */
export interface CallerParts {
  readonly dice: Dice
  readonly middleware: readonly Middleware[]
  readonly fetch: typeof globalThis.fetch
  readonly logger: Logger
}

/** How a call has ended: rejected where there is an error. */
export interface CallEnd {
  readonly error: unknown
  readonly ms: number
  /** Whether no SDK with retries of its own stood outside. */
  readonly isPlain: boolean
}

const question = [{ role: 'user' as const, content: secrets.prompt }]
const params = { model: primary, max_tokens: 100, messages: question }

/** Makes calls of one kind; each reads its answer, or a part of it. */
export function anyCaller(parts: CallerParts): (signal: AbortSignal) => Promise<CallEnd> {
  const { dice } = parts
  const isPlain = dice.chance(0.6)
  const call = isPlain ? plainly(parts) : bySdk(parts)
  return (signal) =>
    call(signal).then(
      () => ({ error: undefined, ms: 0, isPlain }),
      (error: unknown) => ({ error, ms: 0, isPlain }),
    )
}

function plainly({ dice, middleware, fetch, logger }: CallerParts): (signal: AbortSignal) => Promise<void> {
  const send = createFetch(middleware, { fetch, logger })
  return async (signal) => {
    const body = JSON.stringify(dice.chance(0.6) ? { ...params, stream: true } : params)
    const response = await send('https://api.anthropic.com/v1/messages', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': secrets.key },
      body,
      signal,
    })
    const reader = response.body?.getReader()
    if (reader === undefined) return
    const most = dice.chance(0.2) ? dice.below(4) : Infinity
    for (let chunk = 0; chunk < most; chunk++) {
      if ((await reader.read()).done) return
    }
    await reader.cancel()
  }
}

function bySdk({ dice, middleware, fetch, logger }: CallerParts): (signal: AbortSignal) => Promise<void> {
  const [, clientOf] = dice.pick([seams[0], seams[1]] as [(typeof seams)[number], (typeof seams)[number]])
  const client = clientOf({ middleware, fetch, logger, apiKey: secrets.key, maxRetries: dice.below(3) })
  return async (signal) => {
    const kind = dice.below(3)
    if (kind === 0) await client.messages.create(params, { signal })
    else if (kind === 1) await client.messages.stream(params, { signal }).finalMessage()
    else {
      const most = dice.chance(0.3) ? dice.below(4) : Infinity
      let events = 0
      for await (const _ of await client.messages.create({ ...params, stream: true }, { signal })) {
        if (events++ >= most) break
      }
    }
  }
}
