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
}

/** Finds the events in the bytes of a body, however they are cut. */
export interface EventScan {
  /** Tells of every event that this chunk completes. */
  push(chunk: Uint8Array): void
  /** Nothing more is told, not even of the chunk that is being looked at. */
  stop(): void
}

/** As much of one event is kept while it arrives. */
const maxEventBytes = 1_048_576
/** As much of the data is looked at for the `type` of an event without a name. */
const typeBytes = 128

const lf = 10
const cr = 13
const space = 32
const colon = 58
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
 * CR, fields other than `event` and `data` are left out, an event that the body ends within is none.
 */
export function eventScan(onEvent: (event: StreamEvent) => void): EventScan {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  /** Of the line that is arriving: what earlier chunks held of it. */
  let pieces: Uint8Array[] = []
  let pieceBytes = 0
  /** Where in the body the chunk begins, and the event; -1 before its first line. */
  let chunkStart = 0
  let eventStart = -1
  let isFirstLine = true
  let skipLf = false
  const told = { enough: false }
  // Most events have the name of the one before.
  let nameBytes = nothing
  let lastName = ''
  // Of the event that is arriving:
  let name = ''
  let values: Uint8Array[] = []
  let ownValues = 0
  let dataBytes = 0
  let text: string | undefined
  const event = { type: '', start: 0, end: 0, data }

  function data(): string | undefined {
    if (dataBytes > maxEventBytes) return undefined
    text ??=
      values.length === 1 ? decoder.decode(values[0]) : values.map((part) => decoder.decode(part)).join('\n')
    return text
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
    }
    name = lastName
  }

  function endEvent(end: number): void {
    if (name !== '' || values.length > 0) {
      event.type = name === '' ? typeOf(values[0]) : name
      event.start = eventStart
      event.end = end
      onEvent(event)
    }
    eventStart = -1
    name = ''
    text = undefined
    if (values.length > 0) {
      values = []
      ownValues = 0
      dataBytes = 0
    }
  }

  /** A part of a chunk would keep all of it, and many small parts weigh more than they hold. */
  function copyRest(): void {
    for (; ownValues < values.length; ownValues++) values[ownValues] = values[ownValues]?.slice() ?? nothing
    if (ownValues < maxValues) return
    values = [concat(values.flatMap((value, index) => (index === 0 ? value : [lineFeed, value])))]
    ownValues = 1
  }

  return {
    push(chunk) {
      let at = 0
      let nextLf = chunk.indexOf(lf)
      let nextCr = chunk.indexOf(cr)
      while (at < chunk.length && !told.enough) {
        if (skipLf) {
          skipLf = false
          if (chunk[at] === lf) {
            at++
            continue
          }
        }
        if (nextLf >= 0 && nextLf < at) nextLf = chunk.indexOf(lf, at)
        if (nextCr >= 0 && nextCr < at) nextCr = chunk.indexOf(cr, at)
        const isCr = nextCr >= 0 && (nextLf < 0 || nextCr < nextLf)
        const end = isCr ? nextCr : nextLf
        if (eventStart < 0) eventStart = chunkStart + at
        if (end < 0) {
          keep(chunk.slice(at))
          break
        }
        if (end === at && pieces.length === 0) endEvent(chunkStart + end + 1)
        else endLine(chunk, at, end)
        skipLf = isCr
        at = end + 1
      }
      chunkStart += chunk.length
      copyRest()
    },
    stop() {
      told.enough = true
    },
  }
}

function isField(bytes: Uint8Array, from: number, to: number, field: readonly number[]): boolean {
  const end = from + field.length
  return startsWith(bytes, from, to, field) && (end === to || bytes[end] === colon)
}

function valueStart(bytes: Uint8Array, fieldEnd: number, to: number): number {
  if (fieldEnd === to) return to
  return fieldEnd + 1 < to && bytes[fieldEnd + 1] === space ? fieldEnd + 2 : fieldEnd + 1
}

function startsWith(bytes: Uint8Array, from: number, to: number, start: readonly number[]): boolean {
  if (to - from < start.length) return false
  for (let index = 0; index < start.length; index++) {
    if (bytes[from + index] !== start[index]) return false
  }
  return true
}

function equal(bytes: Uint8Array, others: Uint8Array): boolean {
  if (bytes.length !== others.length) return false
  for (let index = 0; index < bytes.length; index++) {
    if (bytes[index] !== others[index]) return false
  }
  return true
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const piece of pieces) length += piece.length
  const bytes = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

function typeOf(value: Uint8Array | undefined): string {
  const head = new TextDecoder().decode(value?.subarray(0, typeBytes))
  return typePattern.exec(head)?.[1] ?? ''
}
