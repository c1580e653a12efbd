import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventScan } from './event-scan.ts'
import { heldChunks } from './held-chunks.ts'

const encoder = new TextEncoder()
const joined = (chunks: readonly (Uint8Array | undefined)[]): number[] =>
  chunks.flatMap((chunk) => [...(chunk ?? [])])

describe('held chunks', () => {
  it('come out as the bytes that went in, many small ones as a few', () => {
    const held = heldChunks(10)
    const bytes = Array.from({ length: 1000 }, (_, index) => index % 256)
    for (const byte of bytes) held.add(Uint8Array.of(byte), undefined)
    expect([held.bytes, held.from]).toEqual([1000, 10])
    const out = []
    for (let chunk = held.take(); chunk !== undefined; chunk = held.take()) out.push(chunk)
    expect(joined(out)).toEqual(bytes)
    expect(out.length).toBeLessThan(100)
    expect([held.bytes, held.from]).toEqual([0, 1010])
  })

  it('keep their order when some are taken in between', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 300 }), (takes) => {
        const held = heldChunks(0)
        const out: (Uint8Array | undefined)[] = []
        let added = 0
        for (const take of takes) {
          if (take) out.push(held.take())
          else held.add(Uint8Array.of(added++ % 256), undefined)
          const taken = joined(out).length
          expect([held.from, held.bytes]).toEqual([taken, added - taken])
        }
        for (let chunk = held.take(); chunk !== undefined; chunk = held.take()) out.push(chunk)
        expect(joined(out)).toEqual(Array.from({ length: added }, (_, index) => index % 256))
      }),
    )
  })

  const parts = fc.array(
    fc.constantFrom(
      'event: a\ndata: 1\n\n',
      ': comment\n\n',
      'event: bc\n\n',
      '\n',
      'data: {"type":"d"}\r\n\r\n',
      'x',
    ),
    { maxLength: 40 },
  )

  it('tell of the events that begin in them, wherever they were cut and taken', () => {
    fc.assert(
      fc.property(
        parts,
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 }),
        fc.nat(20),
        fc.nat(20),
        fc.constantFrom('', '\uFEFF'),
        (texts, sizes, skipped, takes, mark) => {
          const bytes = encoder.encode(mark + texts.join(''))
          const all: [string, number, number][] = []
          let told = 0
          const scan = eventScan(({ type, start, end }) => {
            all.push([type, start, end])
            told = end
          })
          // As the tap of a body does it.
          let held: ReturnType<typeof heldChunks> | undefined
          for (let at = 0, index = 0; at < bytes.length; index++) {
            const chunk = bytes.slice(at, at + (sizes[index % sizes.length] ?? 1))
            scan.push(chunk)
            if (index >= skipped) {
              held ??= heldChunks(at)
              held.add(chunk, scan.firstStart())
            }
            at += chunk.length
          }
          if (held === undefined) return
          for (let index = 0; index < takes; index++) held.take()
          const seen: [string, number, number][] = []
          held.tell(({ type, start, end }) => seen.push([type, start, end]), told)
          const { from } = held
          expect(seen).toEqual(all.filter(([, start]) => start >= from))
        },
      ),
      { numRuns: 1000 },
    )
  })

  it('tell of none that ends behind the given place', () => {
    const held = heldChunks(0)
    held.add(encoder.encode('event: a\n\nevent: b\n\n'), 0)
    const seen: string[] = []
    held.tell(({ type }) => seen.push(type), 19)
    expect(seen).toEqual(['a'])
    held.tell(({ type }) => seen.push(type), 20)
    expect(seen).toEqual(['a', 'a', 'b'])
  })
})
