import { rehearse, type FaultName, type Rehearsed, type RehearsedMiddleware, type Step } from './rehearsal.ts'

/** What one fault leads to. */
export interface FaultCourse {
  /** Upstream requests. */
  readonly requests: number
  /** Time that the call spends waiting between them, in milliseconds. */
  readonly waitMs: number
  /** How often the call moves to another target. */
  readonly moves: number
  /**
   * What the caller gets: an answer, one error, or a stream that breaks as it came, which may look like one that ended.
   */
  readonly outcome: 'answer' | 'error' | 'broken_stream'
  /** The category of the error. */
  readonly category: string | undefined
  /** All of it in its order. */
  readonly steps: readonly Step[]
}

/** What one fault leads to where every target answers with it, for as long as it is asked. */
export interface FaultReport extends FaultCourse {
  /** The same where the primary alone does; `undefined` where the call stays with it. */
  readonly primaryOnly: FaultCourse | undefined
}

/** What each fault leads to. */
export type FaultReports = Readonly<Record<FaultName, FaultReport>>

/** The hint of the hinted 429, in milliseconds. */
const hintMs = 10_000

const faults: Readonly<Record<FaultName, { readonly label: string; readonly answer: Rehearsed }>> = {
  rate_limit: { label: '429', answer: { kind: 'failure', category: 'rate_limit', status: 429 } },
  rate_limit_hinted: {
    label: `429, retry-after ${hintMs / 1000} s`,
    answer: { kind: 'failure', category: 'rate_limit', status: 429, retryAfterMs: hintMs },
  },
  overloaded: { label: '529', answer: { kind: 'failure', category: 'overloaded', status: 529 } },
  stream_cut_early: {
    label: 'stream cut before content',
    answer: { kind: 'broken_stream', isEarly: true },
  },
  stream_cut: { label: 'stream cut after content', answer: { kind: 'broken_stream', isEarly: false } },
  authentication: {
    label: '401',
    answer: { kind: 'failure', category: 'authentication', status: 401 },
  },
}

/** What a fault is called in a table. */
export function labelOf(name: FaultName): string {
  return faults[name].label
}

/** Plays each fault to a stack; `make` makes its miniatures anew for each, outermost first. */
export function playFaults(make: () => readonly RehearsedMiddleware[], deadlineMs: number): FaultReports {
  function play(name: FaultName, primaryOnly: boolean): FaultCourse {
    const { steps, result } = rehearse(make(), {
      fault: name,
      answer: faults[name].answer,
      primaryOnly,
      deadlineMs,
    })
    return courseOf(steps, result)
  }

  function report(name: FaultName): FaultReport {
    const course = play(name, false)
    return { ...course, primaryOnly: course.moves === 0 ? undefined : play(name, true) }
  }

  return {
    rate_limit: report('rate_limit'),
    rate_limit_hinted: report('rate_limit_hinted'),
    overloaded: report('overloaded'),
    stream_cut_early: report('stream_cut_early'),
    stream_cut: report('stream_cut'),
    authentication: report('authentication'),
  }
}

function courseOf(steps: readonly Step[], result: Rehearsed): FaultCourse {
  let requests = 0
  let waitMs = 0
  let moves = 0
  for (const step of steps) {
    if (step.kind === 'request') requests++
    else if (step.kind === 'wait') waitMs += step.ms
    else if (step.kind === 'move') moves++
    else {
      requests += step.requests
      waitMs += step.waitMs
    }
  }
  return { requests, waitMs, moves, ...endOf(result), steps }
}

function endOf(result: Rehearsed): Pick<FaultCourse, 'outcome' | 'category'> {
  switch (result.kind) {
    case 'answer':
      return { outcome: 'answer', category: undefined }
    case 'failure':
      return { outcome: 'error', category: result.category }
    case 'interrupted_stream':
      return { outcome: 'error', category: 'stream_interrupted' }
    case 'broken_stream':
      return { outcome: 'broken_stream', category: undefined }
  }
}
