/** A callback that is due at some time. */
export interface Due {
  /** When, in milliseconds. */
  readonly at: number
  /** Whether it is off: then it is passed over. */
  readonly isOff: () => boolean
  readonly run: () => void
}

/** What is due, the earliest first; of what is due together the first that was added. */
export interface TimerQueue {
  readonly size: number
  add(due: Due): void
  take(): Due | undefined
}

/** Creates an empty queue: a binary heap. */
export function createTimerQueue(): TimerQueue {
  const heap: { readonly due: Due; readonly order: number }[] = []
  let added = 0

  function isBefore(one: number, other: number): boolean {
    const [a, b] = [heap[one], heap[other]]
    if (a === undefined || b === undefined) return a !== undefined
    return a.due.at < b.due.at || (a.due.at === b.due.at && a.order < b.order)
  }

  function swap(one: number, other: number): void {
    const [a, b] = [heap[one], heap[other]]
    if (a === undefined || b === undefined) return
    heap[one] = b
    heap[other] = a
  }

  return {
    get size() {
      return heap.length
    },
    add(due) {
      let index = heap.push({ due, order: added++ }) - 1
      while (index > 0) {
        const parent = (index - 1) >> 1
        if (!isBefore(index, parent)) return
        swap(index, parent)
        index = parent
      }
    },
    take() {
      const first = heap[0]
      const last = heap.pop()
      if (first === undefined || last === undefined) return undefined
      if (heap.length === 0) return first.due
      heap[0] = last
      for (let index = 0; ;) {
        const left = 2 * index + 1
        const child = isBefore(left + 1, left) ? left + 1 : left
        if (!isBefore(child, index)) return first.due
        swap(index, child)
        index = child
      }
    },
  }
}
