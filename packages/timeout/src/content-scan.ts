const lf = 10
const cr = 13
const letterD = 100
const byteOrderMark = '\u00EF\u00BB\u00BF'
/** As much of a line as is looked at: the longest name of an event, or the `type` at the start of its data. */
const headBytes = 64

const fieldPattern = /^(event|data)(?:: ?(.*))?$/s
const typePattern = /^\{\s*"type"\s*:\s*"([^"]*)"/

/**
 * Finds the content in the bytes of an event stream, however they are cut: the function that it makes says how many
 * content events a chunk completes. Pings, `message_start` and comments are no content; all else is, also what the
 * future brings. An event without a name goes by the `type` of its data. Keeps 64 bytes.
 */
export function contentScan(): (chunk: Uint8Array) => number {
  const head = new Uint8Array(headBytes)
  let headLength = 0
  let firstLine = true
  let skipLf = false
  // Of the event that is arriving:
  let isContent = false
  let isNamed = false

  /** Says whether this line, an empty one, completes a content event. */
  function endLine(): boolean {
    const length = headLength
    const isFirst = firstLine
    headLength = 0
    firstLine = false
    if (length === 0) {
      const complete = isContent
      isContent = false
      isNamed = false
      return complete
    }
    // The name was enough: most of a stream is data.
    if (head[0] === letterD && isNamed) return false
    let text = ''
    for (let index = 0; index < length; index++) text += String.fromCharCode(head[index] ?? 0)
    readField(isFirst && text.startsWith(byteOrderMark) ? text.slice(byteOrderMark.length) : text)
    return false
  }

  function readField(line: string): void {
    const [, field, value = ''] = fieldPattern.exec(line) ?? []
    if (field === 'event' && value !== '') {
      isContent = saysSomething(value)
      isNamed = true
    } else if (field === 'data' && !isNamed) {
      isContent = saysSomething(typePattern.exec(value)?.[1])
    }
  }

  return function contentEvents(chunk) {
    let found = 0
    let nextCr = chunk.indexOf(cr)
    let nextLf = chunk.indexOf(lf)
    let at = 0
    while (at < chunk.length) {
      if (skipLf && chunk[at] === lf) at++
      skipLf = false
      if (nextCr >= 0 && nextCr < at) nextCr = chunk.indexOf(cr, at)
      if (nextLf >= 0 && nextLf < at) nextLf = chunk.indexOf(lf, at)
      const end = nextCr >= 0 && (nextLf < 0 || nextCr < nextLf) ? nextCr : nextLf
      const stop = end < 0 ? chunk.length : end
      for (let index = at; index < stop && headLength < headBytes; index++)
        head[headLength++] = chunk[index] ?? 0
      if (end < 0) break
      if (endLine()) found++
      skipLf = end === nextCr
      at = end + 1
    }
    return found
  }
}

function saysSomething(type: string | undefined): boolean {
  return type !== 'ping' && type !== 'message_start'
}
