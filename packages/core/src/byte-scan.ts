const quote = 34
const backslash = 92
const lf = 10
const cr = 13
const highBits = 0x80808080

/** The same bytes by four, for who goes through them; none where that does not pay. */
export type Words = Int32Array

const none: Words = new Int32Array()
/** In a shorter chunk it costs more to make them than they save. */
const leastBytes = 64

/** Bytes as {@link Words}, where they lie as they have to. */
export function wordsOf({ buffer, byteOffset, length }: Uint8Array): Words {
  if (length < leastBytes || byteOffset % 4 !== 0) return none
  return new Int32Array(buffer, byteOffset, length >> 2)
}

/** The index of the next LF or CR, or -1. */
export function lineEnd(bytes: Uint8Array, words: Words, from: number): number {
  const wordBytes = 4 * words.length
  for (let at = from; at < bytes.length; at++) {
    if (at < wordBytes && (at & 3) === 0) at = controlAt(words, at)
    const byte = bytes[at]
    if (byte === lf || byte === cr) return at
  }
  return -1
}

/** Where the next four bytes begin of which one is a control character. */
function controlAt(words: Words, from: number): number {
  let index = from >> 2
  for (; index < words.length; index++) {
    const word = words[index] ?? 0
    if (((word - 0x20202020) & ~word & highBits) !== 0) break
  }
  return index << 2
}

/** The inside of a JSON string, in bytes. */
export interface StringPart {
  bytes: Uint8Array
  from: number
  to: number
  /** As many as the `length` of the string. */
  characters: number
}

/**
 * Reads a JSON string from behind its opening quote to its closing one, and says whether it found one: well-formed, of whole
 * UTF-8 characters. What it has found is in `part`.
 */
export function readString(bytes: Uint8Array, words: Words, from: number, part: StringPart): boolean {
  /** How many bytes more there are than characters. */
  let extra = 0
  const wordBytes = 4 * words.length
  for (let at = from; at < bytes.length;) {
    if (at < wordBytes && (at & 3) === 0) at = plainEnd(words, at)
    const byte = bytes[at] ?? 0
    if (byte === quote) {
      part.bytes = bytes
      part.from = from
      part.to = at
      part.characters = at - from - extra
      return true
    }
    if (byte >= 0x80) {
      const length = sequenceLength(bytes, at, byte)
      if (length === 0) return false
      extra += length === 4 ? 2 : length - 1
      at += length
    } else if (byte === backslash) {
      const length = escapeLength(bytes, at)
      if (length === 0) return false
      extra += length - 1
      at += length
    } else if (byte < 0x20) {
      return false
    } else {
      at++
    }
  }
  return false
}

/** Where the next four bytes begin that do not stand for themselves alone. */
function plainEnd(words: Words, from: number): number {
  let index = from >> 2
  for (; index < words.length; index++) {
    const word = words[index] ?? 0
    const odd =
      (word - 0x20202020) | ((word ^ 0x22222222) - 0x01010101) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word
    if ((odd & highBits) !== 0) break
  }
  return index << 2
}

/** How many bytes the escape has that begins here; 0 where it is none. */
function escapeLength(bytes: Uint8Array, at: number): number {
  const letter = bytes[at + 1] ?? 0
  if (letter !== 117) return shortEscapes.has(letter) ? 2 : 0
  for (let index = at + 2; index < at + 6; index++) if (!isHex(bytes[index] ?? 0)) return 0
  return 6
}

const shortEscapes: ReadonlySet<number> = new Set(new TextEncoder().encode('"\\/bfnrt'))

function isHex(byte: number): boolean {
  const letter = byte | 32
  return (byte >= 48 && byte <= 57) || (letter >= 97 && letter <= 102)
}

/** How many bytes the character has that begins here, by UTF-8; 0 where it is none. */
function sequenceLength(bytes: Uint8Array, at: number, lead: number): number {
  if (lead < 0xc2 || lead > 0xf4) return 0
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  const second = bytes[at + 1] ?? 0
  // Not longer than it has to be, no half of a pair, not beyond U+10FFFF.
  const least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
  const most = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
  if (second < least || second > most) return 0
  for (let index = at + 2; index < at + length; index++) if (((bytes[index] ?? 0) & 0xc0) !== 0x80) return 0
  return length
}
