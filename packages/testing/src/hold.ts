import { addHold, callOf, removeHold, send, sleep, type Hold, type Middleware } from '@breakwater/core'

/** A limiter as plain as can be, which writes down who held what, and when. */
export interface PlainLimiter {
  readonly middleware: Middleware
  /** `take`, `release <status or error>` and `renew <model>`, each with its time in milliseconds of fake time. */
  readonly log: string[]
}

/** Stands for a `rate-limit` outside: each renewal takes `renewMs`, or fails with `refusal`. */
export function plainLimiter({
  renewMs = 0,
  refusal,
}: { renewMs?: number; refusal?: Error } = {}): PlainLimiter {
  const log: string[] = []
  const from = Date.now()
  const write = (line: string): void => void log.push(`${Date.now() - from} ${line}`)
  const middleware: Middleware = async function plainLimiter(request, next, ctx) {
    const call = callOf(request, ctx)
    let isHeld = true
    const hold: Hold = {
      release(outcome) {
        if (isHeld) write(`release ${outcome instanceof Response ? outcome.status : String(outcome)}`)
        isHeld = false
        return Promise.resolve()
      },
      async renew({ body, signal }) {
        await sleep(renewMs, signal)
        if (refusal !== undefined) throw refusal
        isHeld = true
        write(`renew ${/"model":"([^"]+)"/.exec(String(body))?.[1]}`)
      },
    }
    addHold(call, hold)
    write('take')
    try {
      return await send(request, next, ctx)
    } finally {
      removeHold(call, hold)
      write('done')
    }
  }
  return { middleware, log }
}
