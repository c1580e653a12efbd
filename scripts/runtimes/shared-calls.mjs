import { single, sum } from '../lib/results.mjs'

/**
 * A worker serves many requests at once, which share the middleware of its global scope, while each may only wait for what
 * it began itself: what one request ends must not leave another one waiting for ever.
 * @param {string} worker
 * @param {string} control
 * @returns {Promise<import('../lib/results.mjs').StepResult>}
 */
export async function checkSharedCalls(worker, control) {
  const text = 'yes'
  const slow = { text, delayMs: 20, repeat: 'forever' }
  const yes = Array(12).fill(text)
  // Four calls of one try each open the circuit; then twelve wait for it.
  const circuit = await play('circuit', [{ status: 500, repeat: 4 }, slow], [4, 12])
  const queue = await play('queue', [slow], [12])
  return sum([
    single(differences('a circuit', circuit, [...Array(4).fill('server_error'), ...yes])),
    single(differences('a queue', queue, yes)),
  ])

  /**
   * @param {string} what
   * @param {unknown[]} script
   * @param {number[]} crowds How many requests at once, one crowd after the other.
   * @returns {Promise<string[]>}
   */
  async function play(what, script, crowds) {
    const started = await fetch(control, { method: 'POST', body: JSON.stringify({ script }) })
    const { id, url } = /** @type {{ id: string, url: string }} */ (await started.json())
    const answers = []
    for (const count of crowds) {
      const calls = Array.from({ length: count }, async (_, index) => {
        const query = `api=${encodeURIComponent(url)}${index % 2 === 0 ? '' : '&stream'}`
        const init = { signal: AbortSignal.timeout(15_000) }
        return await fetch(`${worker}/${what}?${query}`, init).then(
          (response) => response.text(),
          (error) => String(error),
        )
      })
      answers.push(...(await Promise.all(calls)))
    }
    await fetch(`${control}/${id}`, { method: 'DELETE' })
    return answers
  }
}

/**
 * @param {string} what
 * @param {readonly string[]} seen
 * @param {readonly string[]} expected
 */
function differences(what, seen, expected) {
  const isSame = seen.join() === expected.join()
  return isSame ? [] : [`workerd: requests that share ${what} got: ${seen.join(', ')}`]
}
