import { concat } from './event-line.ts'
import { lineEnd, readString, type StringPart, type Words } from './byte-scan.ts'

const lf = 10
const space = 32
const brace = 125

/** What all events of one form begin with: `event: <name>`, a line feed, `data: ` and more. */
export interface EventForm {
  readonly name: string
  readonly head: Uint8Array
  /** Behind so many bytes of the event its data begins. */
  readonly dataAt: number
  /** The head by four bytes, from its first on, from its second on …: made when it is needed, as few streams need all. */
  readonly words: (Words | undefined)[]
}

const encoder = new TextEncoder()

/** The form of the events of a name whose data, in one line, begins so. */
export function formOf(name: string, begin: string): EventForm {
  const fields = encoder.encode(`event: ${name}\ndata: `)
  const head = begin === '' ? fields : concat([fields, encoder.encode(begin)])
  return { name, head, dataAt: fields.length, words: [] }
}

/** The head by four bytes, without the first ones. */
function wordsFrom({ head, words }: EventForm, from: number): Words {
  const known = words[from]
  if (known !== undefined) return known
  const length = Math.max(0, head.length - from) >> 2
  const made = new Int32Array(head.slice(from, from + 4 * length).buffer)
  words[from] = made
  return made
}

/** Whether an event of the form may begin here. */
export function hasHead(bytes: Uint8Array, words: Words, at: number, form: EventForm): boolean {
  const { head } = form
  const { length } = head
  if (bytes.length - at < length) return false
  if (words.length === 0) return isSame(bytes, at, head, 0, length)
  const straight = -at & 3
  const own = wordsFrom(form, straight)
  const first = (at + straight) >> 2
  for (let index = 0; index < own.length; index++) if (words[first + index] !== own[index]) return false
  return isSame(bytes, at, head, 0, straight) && isSame(bytes, at, head, straight + 4 * own.length, length)
}

function isSame(bytes: Uint8Array, at: number, head: Uint8Array, from: number, to: number): boolean {
  for (let index = from; index < to; index++) if (bytes[at + index] !== head[index]) return false
  return true
}

/** Where the line of data ends that goes on here, if it is all that is left of the event; else -1. */
export function dataEnd(bytes: Uint8Array, words: Words, from: number): number {
  const end = lineEnd(bytes, words, from)
  return isEventEnd(bytes, end) ? end : -1
}

/**
 * Where the line of data ends that goes on here with the inside of a JSON string, its quote and two braces, spaces
 * between those left aside, if that is all that is left of the event; else -1. The string is in `part`.
 */
export function stringDataEnd(bytes: Uint8Array, words: Words, from: number, part: StringPart): number {
  if (!readString(bytes, words, from, part)) return -1
  let at = part.to + 1
  for (let braces = 0; braces < 2; braces++) {
    at = skipSpaces(bytes, at)
    if (bytes[at++] !== brace) return -1
  }
  at = skipSpaces(bytes, at)
  return isEventEnd(bytes, at) ? at : -1
}

function isEventEnd(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === lf && bytes[at + 1] === lf
}

function skipSpaces(bytes: Uint8Array, from: number): number {
  let at = from
  while (bytes[at] === space) at++
  return at
}
