import { lineEnd, wordsOf, type StringPart, type Words } from './byte-scan.ts'
import { concat, equal, isField, startsWith, valueStart } from './event-line.ts'
import { dataEnd, formOf, hasHead, stringDataEnd, type EventForm } from './event-forms.ts'

/** An event of an event stream. The object is reused: read it during the listener's call only. */
export interface StreamEvent {
  /** The name of its `event` field, else the `type` of its data, else empty. */
  readonly type: string
  /** Where in the body its first line begins, in bytes. */
  readonly start: number
  /** Where in the body its blank line ends, in bytes. */
  readonly end: number
  /** Its data, decoded when asked; `undefined` when it is longer than 1 MiB. */
  data(): string | undefined
  /**
   * Has the events of one form known by their bytes from now on: of this name, with data that is `begin`, the inside of a
   * JSON string, and `"}}`, with spaces or without. The last form that was asked for counts. Returns what such an event has as `form`.
   */
  expectMore?(begin: string): object
  /** The form of an event that was known by its bytes. */
  readonly form?: object | undefined
  /** The string of such an event. */
  readonly text?: Readonly<StringPart>
}

/** Finds the events in the bytes of a body, however they are cut. */
export interface EventScan {
  /** Tells of every event that this chunk completes. */
  push(chunk: Uint8Array): void
  /** Nothing more is told, not even of the chunk that is being looked at. */
  stop(): void
  /** Where in the body the first event begins, or may begin, that begins in the last chunk; `undefined` where none does. */
  firstStart(): number | undefined
}

/** As much of one event is kept while it arrives. */
const maxEventBytes = 1_048_576
/** As much of the data is looked at for the `type` of an event without a name. */
const typeBytes = 128

const lf = 10
const cr = 13
const eventField = [101, 118, 101, 110, 116] as const
const dataField = [100, 97, 116, 97] as const
const byteOrderMark = [0xef, 0xbb, 0xbf] as const
const typePattern = /^\s*\{\s*"type"\s*:\s*"([^"]*)"/
const nothing = new Uint8Array()
const lineFeed = Uint8Array.of(lf)
/** So many lines of data are kept one by one. */
const maxValues = 1024

/**
 * Makes a scan that keeps to the standard of event streams, and to the SDK's reading of it: lines end with LF, CRLF or
 * CR, fields other than `event` and `data` are left out, an event that the body ends within is none. It may begin at any
 * event of a body: `offset` bytes behind its beginning.
 *
 * Most events have the name of the one before, and data in one line: they are known by their first bytes, and by their blank line.
 */
export function eventScan(onEvent: (event: StreamEvent) => void, offset = 0): EventScan {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  /** Of the line that is arriving: what earlier chunks held of it. */
  let pieces: Uint8Array[] = []
  let pieceBytes = 0
  /** Where in the body the chunk begins, and the event; -1 before its first line. */
  let chunkStart = offset
  let eventStart = -1
  let firstStart: number | undefined
  let isFirstLine = offset === 0
  let skipLf = false
  const told = { enough: false }
  let nameBytes = nothing
  let lastName = ''
  /** The form of those like the last two that came line by line, and that of those that somebody expects. */
  let usual: EventForm | undefined
  let expected: EventForm | undefined
  // Of the event that is arriving, line by line:
  let name = ''
  let values: Uint8Array[] = []
  let ownValues = 0
  let dataBytes = 0
  // Of one that has come as a whole: its data.
  let source: Uint8Array | undefined
  let sourceFrom = 0
  let sourceTo = 0
  let decoded: string | undefined
  const text: StringPart = { bytes: nothing, from: 0, to: 0, characters: 0 }
  const event = { type: '', start: 0, end: 0, data, expectMore, form: undefined as object | undefined, text }

  function data(): string | undefined {
    if (dataBytes > maxEventBytes) return undefined
    decoded ??=
      source === undefined
        ? values.map((part) => decoder.decode(part)).join('\n')
        : decoder.decode(source.subarray(sourceFrom, sourceTo))
    return decoded
  }

  function expectMore(begin: string): object {
    const form = formOf(event.type, begin)
    // Without a name the type depends on the data.
    expected = form.name === '' ? undefined : form
    return form
  }

  function tell(type: string, start: number, end: number, form: object | undefined): void {
    event.type = type
    event.start = start
    event.end = end
    event.form = form
    decoded = undefined
    onEvent(event)
  }

  /** Tells of an event that lies here as a whole and is known by its first bytes; returns where the next one begins, or -1. */
  function tellWhole(chunk: Uint8Array, words: Words, at: number): number {
    let form = expected
    let to = -1
    if (form !== undefined && hasHead(chunk, words, at, form))
      to = stringDataEnd(chunk, words, at + form.head.length, text)
    const isExpected = to >= 0
    if (!isExpected) {
      form = usual
      if (form !== undefined && hasHead(chunk, words, at, form))
        to = dataEnd(chunk, words, at + form.head.length)
    }
    if (form === undefined || to < 0 || to - at > maxEventBytes) return -1
    source = chunk
    sourceFrom = at + form.dataAt
    sourceTo = to
    tell(form.name, chunkStart + at, chunkStart + to + 2, isExpected ? form : undefined)
    source = undefined
    return to + 2
  }

  function keep(piece: Uint8Array): void {
    pieceBytes += piece.length
    if (pieceBytes <= maxEventBytes || pieces.length === 0) pieces.push(piece)
  }

  function endLine(chunk: Uint8Array, chunkFrom: number, chunkTo: number): void {
    let bytes = chunk
    let from = chunkFrom
    let to = chunkTo
    let missing = 0
    if (pieces.length > 0) {
      keep(chunk.subarray(from, to))
      bytes = concat(pieces)
      from = 0
      to = bytes.length
      // Of a line that is too long only the beginning was kept.
      missing = pieceBytes - to
      pieces = []
      pieceBytes = 0
    }
    if (isFirstLine) {
      isFirstLine = false
      if (startsWith(bytes, from, to, byteOrderMark)) from += byteOrderMark.length
    }
    if (isField(bytes, from, to, dataField)) {
      const value = bytes.subarray(valueStart(bytes, from + dataField.length, to), to)
      if (dataBytes <= maxEventBytes) values.push(value)
      if (values.length > 1) dataBytes++
      dataBytes += value.length + missing
    } else if (isField(bytes, from, to, eventField)) {
      readName(bytes.subarray(valueStart(bytes, from + eventField.length, to), to))
    }
  }

  function readName(bytes: Uint8Array): void {
    if (!equal(bytes, nameBytes)) {
      nameBytes = bytes.slice()
      lastName = decoder.decode(nameBytes)
      usual = undefined
    } else if (lastName !== '') {
      usual ??= formOf(lastName, '')
    }
    name = lastName
  }

  function endEvent(end: number): void {
    if (name !== '' || values.length > 0)
      tell(name === '' ? typeOf(values[0]) : name, eventStart, end, undefined)
    eventStart = -1
    firstStart ??= end
    name = ''
    if (values.length > 0) {
      values = []
      ownValues = 0
      dataBytes = 0
    }
  }

  /** A part of a chunk would keep all of it, and many small parts weigh more than they hold. */
  function copyRest(): void {
    text.bytes = nothing
    for (; ownValues < values.length; ownValues++) values[ownValues] = values[ownValues]?.slice() ?? nothing
    if (ownValues < maxValues) return
    values = [concat(values.flatMap((value, index) => (index === 0 ? value : [lineFeed, value])))]
    ownValues = 1
  }

  return {
    push(chunk) {
      const words = wordsOf(chunk)
      firstStart = eventStart < 0 ? chunkStart : undefined
      let at = 0
      while (at < chunk.length && !told.enough) {
        if (skipLf) {
          skipLf = false
          if (chunk[at] === lf) {
            at++
            continue
          }
        }
        if (eventStart < 0) {
          const next = tellWhole(chunk, words, at)
          if (next >= 0) {
            at = next
            continue
          }
          eventStart = chunkStart + at
        }
        const end = lineEnd(chunk, words, at)
        if (end < 0) {
          keep(chunk.slice(at))
          break
        }
        if (end === at && pieces.length === 0) endEvent(chunkStart + end + 1)
        else endLine(chunk, at, end)
        skipLf = chunk[end] === cr
        at = end + 1
      }
      chunkStart += chunk.length
      copyRest()
    },
    stop() {
      told.enough = true
    },
    firstStart: () => firstStart,
  }
}

function typeOf(value: Uint8Array | undefined): string {
  const head = new TextDecoder().decode(value?.subarray(0, typeBytes))
  return typePattern.exec(head)?.[1] ?? ''
}
