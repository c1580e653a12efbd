const colon = 58
const space = 32

/** Whether the line from `from` to `to` is of that field. */
export function isField(bytes: Uint8Array, from: number, to: number, field: readonly number[]): boolean {
  const end = from + field.length
  return startsWith(bytes, from, to, field) && (end === to || bytes[end] === colon)
}

/** Where the value of a field begins: behind its colon and one space. */
export function valueStart(bytes: Uint8Array, fieldEnd: number, to: number): number {
  if (fieldEnd === to) return to
  return fieldEnd + 1 < to && bytes[fieldEnd + 1] === space ? fieldEnd + 2 : fieldEnd + 1
}

/** Whether the bytes from `from` to `to` begin so. */
export function startsWith(bytes: Uint8Array, from: number, to: number, start: readonly number[]): boolean {
  if (to - from < start.length) return false
  for (let index = 0; index < start.length; index++) {
    if (bytes[from + index] !== start[index]) return false
  }
  return true
}

/** Whether these are the same bytes. */
export function equal(bytes: Uint8Array, others: Uint8Array): boolean {
  if (bytes.length !== others.length) return false
  for (let index = 0; index < bytes.length; index++) if (bytes[index] !== others[index]) return false
  return true
}

/** The bytes of all, one behind the other. */
export function concat(pieces: readonly Uint8Array[]): Uint8Array {
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
