import { gunzipSync } from 'node:zlib'

/**
 * The files of a gzipped tar archive: name to content.
 * @param {Uint8Array} archive
 * @returns {Map<string, Buffer>}
 */
export function readTar(archive) {
  const bytes = gunzipSync(archive)
  /** @type {Map<string, Buffer>} */
  const files = new Map()
  let longName = ''
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0;) {
    const header = bytes.subarray(at, at + 512)
    const size = Number.parseInt(text(header, 124, 12), 8) || 0
    const body = bytes.subarray(at + 512, at + 512 + size)
    const type = text(header, 156, 1)
    // A long name comes as an entry of its own, before the file: pax (`x`) or GNU (`L`).
    if (type === 'x') longName = /\d+ path=(.*)\n/.exec(body.toString())?.[1] ?? ''
    else if (type === 'L') longName = text(body, 0, size)
    else {
      const prefix = text(header, 257, 5) === 'ustar' ? text(header, 345, 155) : ''
      const name = longName || [prefix, text(header, 0, 100)].filter(Boolean).join('/')
      if (type === '0' || type === '') files.set(name, body)
      longName = ''
    }
    at += 512 + Math.ceil(size / 512) * 512
  }
  return files
}

/**
 * A field of a header, up to its first NUL.
 * @param {Buffer} bytes
 * @param {number} start
 * @param {number} length
 */
function text(bytes, start, length) {
  return (bytes.toString('utf8', start, start + length).split('\0')[0] ?? '').trim()
}
