import { readBody } from './body.ts'
import { keepArrived, recall, remember } from './cache.ts'
import type { Classification } from './classification.ts'
import { parseErrorBody } from './error-body.ts'
import type { ErrorBody } from './error-body.ts'
import { verdict } from './verdict.ts'

/**
 * What is wrong with a response; undefined when its status is below 400.
 * Reads at most 64 KiB and 1 s of a clone, never the response itself; asks once per response.
 */
export function classifyResponse(response: Response): Promise<Classification | undefined> {
  if (response.status < 400) return Promise.resolve(undefined)
  const known = recall(response)
  if (known !== undefined) return Promise.resolve(known)
  const classifying = examine(response)
  remember(response, classifying)
  return classifying
}

async function examine(response: Response): Promise<Classification> {
  const { status, headers } = response
  const body = await bodyOf(response)
  const known = verdict({ ...body, status, headers })
  // Plain from here on, so that `classifyError` can use it without waiting.
  remember(response, known)
  return known
}

async function bodyOf(response: Response): Promise<ErrorBody> {
  const reader = readerOf(response)
  if (reader === undefined) return {}
  const { chunks, text, ended } = await readBody(reader)
  if (!ended) {
    // Not awaited: it settles only with the original's body, and an unread clone would hang whoever cancels that.
    void reader.cancel().catch(() => {})
    keepArrived(response, chunks)
  }
  return parseErrorBody(text)
}

function readerOf(response: Response): ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined {
  if (response.body === null || response.bodyUsed || response.body.locked) return undefined
  try {
    return response.clone().body?.getReader()
  } catch {
    // Not every fetch returns a Response that can be cloned: status and headers decide alone.
    return undefined
  }
}
