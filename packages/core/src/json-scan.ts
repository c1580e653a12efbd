/** How many characters are looked at from each end of the text. */
export const scanLimit = 16_384

/**
 * Reads one top-level string of a JSON object without parsing it: from the front, and where a long value bars the
 * way, from the back. The cost is bounded, however long the text; what lies behind long values on both
 * sides is not found. Of a repeated key, the one that is met first counts.
 */
export function topLevelString(text: string, key: string): string | undefined {
  const front = scanForward(text.slice(0, scanLimit), key)
  if (front !== unfinished) return front
  const back = scanBackward(text.slice(-scanLimit), key)
  return back === unfinished ? undefined : back
}

const unfinished = Symbol('unfinished')
type Found = string | undefined | typeof unfinished

function scanForward(text: string, key: string): Found {
  let at = skipSpace(text, 0, 1)
  if (text[at] !== '{') return undefined
  do {
    at = skipSpace(text, at + 1, 1)
    if (text[at] !== '"') return at < text.length ? undefined : unfinished
    const keyEnd = stringEnd(text, at)
    if (keyEnd < 0) return unfinished
    const matches = keyEnd - at - 1 === key.length && text.startsWith(key, at + 1)
    // Behind the colon and the space after it.
    at = skipSpace(text, skipSpace(text, keyEnd + 1, 1) + 1, 1)
    const valueEnd = skipValue(text, at)
    if (valueEnd < 0) return unfinished
    if (matches) return parseString(text.slice(at, valueEnd + 1))
    at = skipSpace(text, valueEnd + 1, 1)
  } while (text[at] === ',')
  return at < text.length ? undefined : unfinished
}

function scanBackward(text: string, key: string): Found {
  let at = skipSpace(text, text.length - 1, -1)
  if (text[at] !== '}') return undefined
  do {
    const valueEnd = skipSpace(text, at - 1, -1)
    at = skipValueBack(text, valueEnd)
    if (at < 0) return unfinished
    const value = text.slice(at, valueEnd + 1)
    const keyEnd = skipSpace(text, skipSpace(text, at - 1, -1) - 1, -1)
    if (text[keyEnd] !== '"') return keyEnd < 0 ? unfinished : undefined
    at = stringStart(text, keyEnd)
    if (at < 0) return unfinished
    if (text.slice(at + 1, keyEnd) === key) return parseString(value)
    at = skipSpace(text, at - 1, -1)
  } while (text[at] === ',')
  return at < 0 ? unfinished : undefined
}

/** The index of a value's last character, or -1 when the text ends before it. */
function skipValue(text: string, start: number): number {
  if (text[start] === '"') return stringEnd(text, start)
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const char = text[at]
    if (char === '"') {
      at = stringEnd(text, at)
      if (at < 0) return -1
    } else if (char === '{' || char === '[') {
      depth++
    } else if (char === '}' || char === ']') {
      // At depth 0 it closes the object around a bare value.
      if (depth === 0) return at - 1
      if (--depth === 0) return at
    } else if (char === ',' && depth === 0) {
      return at - 1
    }
  }
  return -1
}

/** The index of a value's first character, or -1 when the text begins behind it. */
function skipValueBack(text: string, end: number): number {
  if (text[end] === '"') return stringStart(text, end)
  let depth = 0
  for (let at = end; at >= 0; at--) {
    const char = text[at]
    if (char === '"') {
      at = stringStart(text, at)
      if (at < 0) return -1
    } else if (char === '}' || char === ']') {
      depth++
    } else if (char === '{' || char === '[') {
      if (--depth <= 0) return at
    } else if (char === ':' && depth === 0) {
      return skipSpace(text, at + 1, 1)
    }
  }
  return -1
}

/** The closing quote of the string that opens at `open`, or -1. */
function stringEnd(text: string, open: number): number {
  let at = open
  do {
    at = text.indexOf('"', at + 1)
  } while (at > 0 && isEscaped(text, at))
  return at
}

/** The opening quote of the string that closes at `close`, or -1. */
function stringStart(text: string, close: number): number {
  let at = close
  do {
    // lastIndexOf takes a negative index for 0.
    if (at === 0) return -1
    at = text.lastIndexOf('"', at - 1)
  } while (at > 0 && isEscaped(text, at))
  // At 0 the text may have been cut behind a backslash.
  return at === 0 ? -1 : at
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0
  while (text[at - 1 - slashes] === '\\') slashes++
  return slashes % 2 === 1
}

function skipSpace(text: string, from: number, step: 1 | -1): number {
  let at = from
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at += step
  return at
}

function parseString(json: string): string | undefined {
  if (!json.startsWith('"')) return undefined
  try {
    // Not a slice: in V8 that would keep the whole body alive for as long as somebody keeps the value.
    return String(JSON.parse(json))
  } catch {
    return undefined
  }
}
