import { afterEach, describe, expect, it, vi } from 'vitest'
import { bodyMaxBytes, bodyMaxMs, readBody } from './body.ts'

afterEach(() => {
  vi.useRealTimers()
})

const bytes = (text: string) => new TextEncoder().encode(text)
const readerOf = (source: UnderlyingDefaultSource<Uint8Array<ArrayBuffer>>) =>
  new ReadableStream(source).getReader()

describe('readBody', () => {
  it('reads a short body to its end', async () => {
    const reader = readerOf({
      start: (controller) => {
        controller.enqueue(bytes('hel'))
        controller.enqueue(bytes('lo'))
        controller.close()
      },
    })
    expect(await readBody(reader)).toMatchObject({ text: 'hello', ended: true })
  })

  it('stops an endless body at the limit, one chunk late at most', async () => {
    let pulls = 0
    const reader = readerOf({
      pull: (controller) => controller.enqueue(new Uint8Array((pulls++, 1000)).fill(97)),
    })
    const { chunks, text, ended } = await readBody(reader)
    expect({ ended, length: text.length }).toEqual({ ended: false, length: bodyMaxBytes })
    expect(chunks).toHaveLength(Math.ceil(bodyMaxBytes / 1000))
    expect(pulls).toBeLessThanOrEqual(chunks.length + 1)
  })

  it('ends an endless run of empty chunks', async () => {
    const reader = readerOf({ pull: (controller) => controller.enqueue(new Uint8Array(0)) })
    expect(await readBody(reader, 1000)).toMatchObject({ text: '', ended: false })
  })

  it('leaves out what is past the limit, and a character cut there from the text', async () => {
    const reader = readerOf({ start: (controller) => controller.enqueue(bytes('aé€')) })
    const { chunks, text } = await readBody(reader, 5)
    expect(text).toBe('aé')
    expect(chunks).toEqual([bytes('aé€').subarray(0, 5)])
  })

  it('reads a character that is split over two chunks', async () => {
    const euro = bytes('€')
    const reader = readerOf({
      start: (controller) => {
        controller.enqueue(euro.subarray(0, 2))
        controller.enqueue(euro.subarray(2))
        controller.close()
      },
    })
    expect((await readBody(reader)).text).toBe('€')
  })

  it('gives up a stalled body after 1 s', async () => {
    vi.useFakeTimers()
    const reader = readerOf({ start: (controller) => controller.enqueue(bytes('early ')) })
    const reading = readBody(reader)
    let settled = false
    void reading.then(() => (settled = true))
    await vi.advanceTimersByTimeAsync(bodyMaxMs - 1)
    expect(settled).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(await reading).toMatchObject({ text: 'early ', ended: false })
  })

  it('swallows a failure that comes after the time is up', async () => {
    vi.useFakeTimers()
    let late: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined
    const reading = readBody(readerOf({ start: (controller) => void (late = controller) }))
    await vi.advanceTimersByTimeAsync(bodyMaxMs)
    expect(await reading).toMatchObject({ text: '', ended: false })
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    late?.error(new Error('cut'))
    vi.useRealTimers()
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })

  it('keeps what arrived before a failure', async () => {
    let pulls = 0
    const reader = readerOf({
      pull: (controller) => {
        if (pulls++ > 0) controller.error(new Error('cut'))
        else controller.enqueue(bytes('part'))
      },
    })
    expect(await readBody(reader)).toMatchObject({ text: 'part', ended: false })
  })

  it.each([
    ['an end', (controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>) => controller.close()],
    [
      'a failure',
      (controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>) =>
        controller.error(new Error('cut')),
    ],
  ])('leaves no timer after %s', async (_name, start) => {
    vi.useFakeTimers()
    await readBody(readerOf({ start }))
    expect(vi.getTimerCount()).toBe(0)
  })
})
