import { STATUS_CODES, type ServerResponse } from 'node:http'
import { setTimeout as later } from 'node:timers'
import type { Exchange } from './engine.ts'
import type { Plan } from './plan.ts'

/** Plays a plan on a real connection, until its end or until the connection is gone. */
export function playReply(plan: Plan, exchange: Exchange, response: ServerResponse): void {
  const { socket } = response
  if (socket === null || socket.destroyed) return
  const steps = plan.steps[Symbol.iterator]()
  let timer: ReturnType<typeof setTimeout> | undefined
  response.on('close', () => clearTimeout(timer))

  function start(): void {
    if (plan.network === 'hang') return
    if (plan.network !== undefined) {
      breakOff(plan.network === 'close' ? 'cut' : 'reset')
      return
    }
    response.writeHead(plan.status, STATUS_CODES[plan.status] ?? '', plan.headers)
    response.flushHeaders()
    advance()
  }

  function advance(): void {
    for (let next = steps.next(); next.done !== true; next = steps.next()) {
      const step = next.value
      if (step.kind === 'stall') return
      if (step.kind === 'wait') {
        timer = setTimeout(advance, step.ms)
        return
      }
      if (step.kind !== 'send') {
        breakOff(step.kind)
        return
      }
      exchange.sent(step)
      if (!response.write(step.bytes) && plan.endless) {
        response.once('drain', advance)
        return
      }
    }
    response.end()
  }

  function breakOff(kind: 'cut' | 'reset'): void {
    exchange.close(false)
    const end = (): unknown => (kind === 'cut' ? socket?.destroy() : socket?.resetAndDestroy())
    // A client throws away what it has not read when the connection breaks: first let it read what was sent.
    if (response.headersSent) socket?.write('', () => later(end, 5))
    else end()
  }

  if (plan.delayMs > 0) timer = setTimeout(start, plan.delayMs)
  else start()
}
