import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { caseSets, type CaseSet } from './case-sets.ts'

/** The cost of a call of one case, in each round. */
export interface Measured {
  readonly name: string
  /** Nanoseconds of processor time per call; the same index is the same round in every case. */
  readonly ns: readonly number[]
}

/** How long is measured; milliseconds are of processor time. */
export interface Effort {
  /** How many processes each case has, one after the other: no two of them are compiled alike. */
  readonly lives: number
  /** How often each of them has its turn. */
  readonly rounds: number
  /** How long a turn is meant to last, in milliseconds: some collections of garbage long. */
  readonly turnMs: number
  /** How long each runs before its turns count, in milliseconds, */
  readonly warmupMs: number
  /** and how many calls it makes at least, if they take no more than four times as long: the SDK is compiled late. */
  readonly warmupCalls: number
}

/** Where and how long is measured. */
export interface Host extends Effort {
  /** The path of the Node to measure with. */
  readonly node: string
}

/** What the tables of the documentation are made with. */
export const usualEffort: Effort = { lives: 3, rounds: 9, turnMs: 50, warmupMs: 800, warmupCalls: 10_000 }
/** To see that it runs. */
export const quickEffort: Effort = { lives: 1, rounds: 3, turnMs: 5, warmupMs: 20, warmupCalls: 1 }

/** Cases that are measured beside each other. */
export interface Group {
  readonly set: CaseSet
  /** The size of the request. */
  readonly bytes: number
  /** Stands before the name of each case. */
  readonly label?: string | undefined
}

/** What a contender is asked for. */
export interface Turn {
  readonly turnMs: number
}

/** What it answers: the processor time that so many calls took, in milliseconds. The first one comes of itself, after the warm-up. */
export interface TurnTaken {
  readonly calls: number
  readonly cpuMs: number
}

/**
 * V8 moves what a piece of code makes to the old generation when it has seen it survive. In a loop of calls that are answered at once
 * chance decides on that, for the rest of the process, and what is old then keeps what is young: the same code costs 17 µs or 30.
 */
const steady = ['--no-allocation-site-pretenuring']

/**
 * Measures all cases, each in a process of its own, as an application has one stack and not twenty. They take turns, in another order
 * each round, so that what happens to the machine happens to all. Processor time is counted, and not what others take of it.
 */
export async function measure(groups: readonly Group[], host: Host): Promise<Measured[]> {
  const cases: Measuring[] = []
  for (const { set, bytes, label = '' } of groups) {
    for (const [index, name] of (await namesOf(set)).entries()) {
      cases.push({ name: `${label}${name}`, which: [set, String(bytes), String(index)], ns: [] })
    }
  }
  const dice = numbers()
  for (let life = 0; life < host.lives; life++) await live(cases, host, dice)
  return cases.map(({ name, ns }) => ({ name, ns }))
}

interface Measuring {
  readonly name: string
  readonly which: readonly string[]
  readonly ns: number[]
}

/** A process for each case, and some rounds of turns. */
async function live(cases: readonly Measuring[], host: Host, dice: () => number): Promise<void> {
  const contenders = cases.map((one) => contender(one, host))
  try {
    await Promise.all(contenders.map(({ isWarm }) => isWarm))
    for (let round = 0; round < host.rounds; round++) {
      for (const { turn } of shuffled(contenders, dice)) await turn()
    }
  } finally {
    for (const { process } of contenders) process.kill()
  }
}

/** The names of the cases of a set. */
export async function namesOf(set: CaseSet): Promise<string[]> {
  return (await caseSets[set](1)).map(({ name }) => name)
}

interface Contender {
  readonly process: ChildProcess
  readonly isWarm: Promise<unknown>
  readonly turn: () => Promise<void>
}

function contender({ name, which, ns }: Measuring, { node, turnMs, warmupMs, warmupCalls }: Host): Contender {
  const script = fileURLToPath(new URL('contender.js', import.meta.url))
  const process = fork(script, [...which, String(warmupMs), String(warmupCalls)], {
    execPath: node,
    execArgv: steady,
  })
  return {
    process,
    isWarm: answerOf(process, name),
    async turn() {
      const answer = answerOf(process, name)
      process.send({ turnMs } satisfies Turn)
      const { calls, cpuMs } = await answer
      ns.push((1e6 * cpuMs) / calls)
    },
  }
}

function answerOf(process: ChildProcess, name: string): Promise<TurnTaken> {
  return new Promise((resolve, reject) => {
    const gone = (code: number | null): void => reject(new Error(`${name} has ended with ${code}.`))
    process.once('exit', gone)
    process.once('message', (taken) => {
      process.off('exit', gone)
      resolve(taken as TurnTaken)
    })
  })
}

/** The same in another order. */
export function shuffled<Value>(values: readonly Value[], dice: () => number): Value[] {
  return values
    .map((value) => [dice(), value] as const)
    .toSorted(([one], [other]) => one - other)
    .map(([, value]) => value)
}

/** Numbers from 0 to 1 that look like chance and are the same in every run. */
export function numbers(seed = 1): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
