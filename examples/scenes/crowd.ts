/** What became of many calls. */
export interface Outcomes<Value> {
  readonly answers: readonly Value[]
  readonly errors: readonly unknown[]
}

/** Begins a call every `gapMs` milliseconds, however long each takes, and waits for all. */
export async function crowd<Value>(
  count: number,
  gapMs: number,
  call: (index: number) => Promise<Value>,
): Promise<Outcomes<Value>> {
  const answers: Value[] = []
  const errors: unknown[] = []
  const calls: Promise<void>[] = []
  const startedAt = performance.now()
  for (let index = 0; index < count; index++) {
    const restMs = startedAt + index * gapMs - performance.now()
    if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs))
    calls.push(
      call(index).then(
        (answer) => void answers.push(answer),
        (error: unknown) => void errors.push(error),
      ),
    )
  }
  await Promise.all(calls)
  return { answers, errors }
}
