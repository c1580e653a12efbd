import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readTar } from './tar.mjs'

/**
 * @param {string} name
 * @param {string} content
 * @param {{ type?: string, prefix?: string }} [more]
 */
function entry(name, content, { type = '0', prefix = '' } = {}) {
  const header = Buffer.alloc(512)
  header.write(name, 0)
  header.write(Buffer.byteLength(content).toString(8).padStart(11, '0'), 124)
  header.write(type, 156)
  header.write('ustar\0', 257)
  header.write(prefix, 345)
  return Buffer.concat([
    header,
    Buffer.from(content),
    Buffer.alloc((512 - (Buffer.byteLength(content) % 512)) % 512),
  ])
}

/** @param {Buffer[]} entries */
const read = (...entries) => {
  const files = readTar(gzipSync(Buffer.concat([...entries, Buffer.alloc(1024)])))
  return [...files].map(([name, content]) => [name, content.toString()])
}

describe('readTar', () => {
  it('reads files, and leaves folders out', () => {
    expect(read(entry('a/', '', { type: '5' }), entry('a/b.txt', 'é'), entry('c', 'x'.repeat(512)))).toEqual([
      ['a/b.txt', 'é'],
      ['c', 'x'.repeat(512)],
    ])
  })

  it('reads long names: prefix, pax and GNU', () => {
    const pax = entry('pax', '18 path=long/name\n', { type: 'x' })
    const gnu = entry('././@LongLink', 'gnu/name\0', { type: 'L' })
    expect(read(entry('b', '1', { prefix: 'a' }), pax, entry('cut', '2'), gnu, entry('cut', '3'))).toEqual([
      ['a/b', '1'],
      ['long/name', '2'],
      ['gnu/name', '3'],
    ])
  })
})
