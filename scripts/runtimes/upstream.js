/** Fakes of the API, which the process that drives the runtimes starts and counts the requests of. */

import { sleep } from './framework.js'

/** @type {string} */
let control = ''

/** @param {string} url Where the driving process listens. */
export function connect(url) {
  control = url
}

/**
 * Starts a fake API with a script, see the README of the testkit.
 * @param {...unknown} script
 */
export function upstream(...script) {
  return upstreamWith({ script })
}

/**
 * Starts a fake API with the options of the testkit.
 * @param {{ script?: readonly unknown[], dynamics?: object }} options
 */
export async function upstreamWith(options) {
  const started = await fetch(control, { method: 'POST', body: JSON.stringify(options) })
  const { id, url } = /** @type {{ id: string, url: string }} */ (await started.json())

  /** @returns {Promise<{ model: string, stream: boolean, aborted: boolean }[]>} */
  async function requests() {
    return await (await fetch(`${control}/${id}`)).json()
  }

  return {
    url,
    requests,
    /** The models that were asked for, in order. */
    async models() {
      return (await requests()).map(({ model }) => model)
    },
    /** Ends it; later connections are refused. */
    async close() {
      await (await fetch(`${control}/${id}`, { method: 'DELETE' })).text()
    },
  }
}

/**
 * Waits until the first request has arrived, and what it was answered with has come back.
 * @param {Awaited<ReturnType<typeof upstream>>} api
 */
export async function arrived(api) {
  while ((await api.requests()).length === 0) await sleep(10)
  await sleep(50)
}
