/**
 * The few lines of a test framework that every runtime can run: no files, no processes, only what the web has.
 *
 * @typedef {{ name: string, work: () => Promise<void> }} Case
 * @typedef {{ passed: number, failures: { name: string, reason: string }[], ms: number }} Outcome
 */

/** @type {Case[]} */
const cases = []
const limitMs = 10_000

/**
 * Adds a case.
 * @param {string} name
 * @param {() => Promise<void>} work
 */
export function test(name, work) {
  cases.push({ name, work })
}

/**
 * Fails unless both are the same in JSON, where `undefined` is null.
 * @param {unknown} seen
 * @param {unknown} expected
 * @param {string} [what]
 */
export function equal(seen, expected, what = 'got') {
  const [is, should] = [seen, expected].map((value) => JSON.stringify(value) ?? 'undefined')
  if (is !== should) throw new Error(`${what} ${is} instead of ${should}`)
}

/**
 * What a promise rejects with.
 * @param {PromiseLike<unknown>} promise
 */
export async function caught(promise) {
  try {
    const value = await promise
    return new Error(`not rejected but ${JSON.stringify(value)}`)
  } catch (error) {
    return error
  }
}

/** @param {number} ms */
export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/**
 * Runs all cases, one after the other, and counts the rejections that nobody handled as one more.
 * @returns {Promise<Outcome>}
 */
export async function runCases() {
  const unhandled = new Set()
  listen((reason) => unhandled.add(reason))
  const startedAt = Date.now()
  /** @type {Outcome['failures']} */
  const failures = []
  for (const { name, work } of cases) {
    let timer
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no end after ${limitMs} ms`)), limitMs)
    })
    try {
      await Promise.race([work(), late])
    } catch (error) {
      failures.push({ name, reason: error instanceof Error ? error.message : String(error) })
    }
    clearTimeout(timer)
  }
  await sleep(50)
  if (unhandled.size > 0) failures.push({ name: 'no unhandled rejection', reason: [...unhandled].join('; ') })
  return { passed: cases.length + 1 - failures.length, failures, ms: Date.now() - startedAt }
}

/**
 * Node and Bun tell it by `process`, the others by an event; Bun has both, and never sends the event.
 * @param {(reason: unknown) => void} tell
 */
function listen(tell) {
  globalThis.process?.on?.('unhandledRejection', tell)
  globalThis.addEventListener?.('unhandledrejection', (/** @type {any} */ event) => {
    event.preventDefault()
    tell(event.reason)
  })
}
