import Anthropic from '@anthropic-ai/sdk'
import { answerTokens } from './answers.ts'
import { makeCall } from './call.ts'
import type { Contender, Env } from './contender.ts'
import { makeLoad } from './load.ts'
import { measure, type Measures } from './measure.ts'
import { keys, type Scene } from './scene.ts'
import { modelsOf } from './scenes.ts'
import { simulate } from './simulate.ts'
import { createUpstream } from './upstream.ts'

/** Plays a scene to a contender, on simulated time: the same seed gives the same numbers. */
export async function play(scene: Scene, contender: Contender, seed = 1): Promise<Measures> {
  return simulate(
    async () => {
      const { processes = 1, requestsPerSecond = Infinity, atOnce = 0, canStall = false } = scene
      const { dynamics = {}, isSilent = false, fault, rekeyedMs } = scene
      const upstream = createUpstream({ script: scene.script(seed), dynamics, seed, isSilent })
      const clients: Anthropic[] = []
      const runs = Array.from({ length: processes }, (_, index) => {
        const env: Env = {
          ...modelsOf(scene),
          clientOf(options) {
            const client = new Anthropic({
              apiKey: keys.first,
              // What two processes do not share is kept by origin: each has its own name for the API.
              baseURL: `https://api-${index}.test`,
              logLevel: 'off',
              ...options,
              fetch: upstream.fetch,
            })
            clients.push(client)
            return client
          },
          requestsPerSecond,
          canStall,
          collects: scene.use === 'collected',
        }
        return contender.create(env)
      })
      if (rekeyedMs !== undefined) {
        setTimeout(() => {
          for (const client of clients) client.apiKey = keys.second
        }, rekeyedMs)
      }
      const records = await makeLoad(scene.load, seed, (client) => {
        const run = runs[client % processes]
        if (run === undefined) throw new Error(`There is no process for client ${client}.`)
        return makeCall(run, scene.use, scene.patienceMs)
      })
      return measure({
        records,
        requests: upstream.requests,
        fault,
        capacity: Number.isFinite(requestsPerSecond) ? { perSecond: requestsPerSecond, atOnce } : undefined,
        ...answerTokens,
      })
    },
    { seed },
  )
}
