import { getEventListeners, setMaxListeners } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it, vi } from 'vitest'
import { linkSignal } from './signal-link.ts'

describe.each([true, false])('linkSignal, to a signal that is shared: %s', (isShared) => {
  it('aborts with the reason of the signal, every controller, and tells each', () => {
    const source = new AbortController()
    const controllers = [new AbortController(), new AbortController()]
    const told = vi.fn()
    for (const controller of controllers) linkSignal(source.signal, isShared, controller).onAbort = told
    const reason = new Error('the user left')
    source.abort(reason)
    expect(controllers.map(({ signal }) => signal.reason as unknown)).toEqual([reason, reason])
    expect(told).toHaveBeenCalledTimes(2)
    expect(getEventListeners(source.signal, 'abort')).toEqual([])
  })

  it('has one listener for all that share it, and none when the last has left', () => {
    const source = new AbortController()
    setMaxListeners(0, source.signal)
    const links = Array.from({ length: 50 }, () => {
      const controller = new AbortController()
      return { controller, ...linkSignal(source.signal, isShared, controller) }
    })
    expect(getEventListeners(source.signal, 'abort')).toHaveLength(isShared ? 1 : 50)
    for (const { unlink } of links.slice(1)) unlink()
    for (const { unlink } of links.slice(1)) unlink()
    expect(getEventListeners(source.signal, 'abort')).toHaveLength(1)
    links[0]?.unlink()
    expect(getEventListeners(source.signal, 'abort')).toEqual([])
    source.abort()
    expect(links.some(({ controller }) => controller.signal.aborted)).toBe(false)
  })

  it('links again to a signal that all had left', () => {
    const source = new AbortController()
    linkSignal(source.signal, isShared, new AbortController()).unlink()
    const controller = new AbortController()
    linkSignal(source.signal, isShared, controller)
    source.abort('now')
    expect(controller.signal.reason).toBe('now')
  })

  it('may be taken off twice, the only one too', () => {
    const source = new AbortController()
    const linked = linkSignal(source.signal, isShared, new AbortController())
    linked.unlink()
    linked.unlink()
    source.abort()
    linked.unlink()
    expect(getEventListeners(source.signal, 'abort')).toEqual([])
  })

  it('needs no signal', () => {
    const linked = linkSignal(null, isShared, new AbortController())
    linked.unlinkWith({})
    linked.unlink()
    expect(linked.onAbort).toBeUndefined()
  })
})

describe('linkSignal', () => {
  it('keeps nothing alive that only it still knows, also where the signals reach the body', async () => {
    const body = (() => {
      const [source, controller] = [new AbortController(), new AbortController()]
      const read = {}
      // As a `fetch` does that ends the body with its signal.
      controller.signal.addEventListener('abort', () => void read)
      linkSignal(source.signal, true, controller).unlinkWith(read)
      return new WeakRef(read)
    })()
    setFlagsFromString('--expose_gc')
    const collect = runInNewContext('gc') as () => void
    await vi.waitFor(() => {
      collect()
      // Not the object itself: a failed assertion would keep it.
      expect(body.deref() === undefined).toBe(true)
    })
  })
})

describe('linkSignal, to a signal that outlives the call', () => {
  it('is taken off it when the body is gone, which nobody has read', async () => {
    const source = new AbortController()
    const controller = new AbortController()
    ;(() => linkSignal(source.signal, true, controller).unlinkWith({}))()
    expect(getEventListeners(source.signal, 'abort')).toHaveLength(1)
    setFlagsFromString('--expose_gc')
    const collect = runInNewContext('gc') as () => void
    await vi.waitFor(() => {
      collect()
      expect(getEventListeners(source.signal, 'abort')).toHaveLength(0)
    })
    source.abort()
    expect(controller.signal.aborted).toBe(false)
  })
})
