import type { Random } from './random.ts'
import type { Reply, ReplyPick, Script } from './reply.ts'
import type { FakeRequest } from './request.ts'

/** What a script says to one request; undefined stands for the default success. */
export type Scripted = Reply | ReplyPick | undefined

/** Creates the reader of a script: a list is read in order, and then answers undefined. */
export function createScript(script: Script): (request: FakeRequest) => Scripted | Promise<Scripted> {
  if (typeof script === 'function') return script
  let position = 0
  let used = 0
  return () => {
    const entry = script[position]
    if (entry === undefined || typeof entry === 'number') {
      position += 1
      return entry
    }
    const { repeat = 1, ...reply } = entry
    used += 1
    if (repeat !== 'forever' && used >= repeat) {
      position += 1
      used = 0
    }
    return reply
  }
}

/** Settles a choice between answers. */
export function choose(scripted: Exclude<Scripted, undefined>, random: Random): Reply {
  if (typeof scripted === 'number' || !('pick' in scripted)) return scripted
  const total = scripted.pick.reduce((sum, { weight = 1 }) => sum + weight, 0)
  let left = random() * total
  const picked = scripted.pick.find(({ weight = 1 }) => {
    left -= weight
    return left < 0
  })
  return picked?.reply ?? 200
}
