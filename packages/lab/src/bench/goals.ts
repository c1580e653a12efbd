import { wrapName } from '../behaviour-cases.ts'
import { textTable } from '../storm/text-table.ts'
import { published } from './sizes.ts'
import { classifyAndFive, five, recipe, three } from './stacks.ts'

/** A goal, and how near the measured is to it. */
export interface CostGoal {
  readonly goal: string
  /** `undefined` where nothing was measured. */
  readonly measured: number | undefined
  readonly limit: number
  /** Which side of the limit is the good one. */
  readonly better: 'less' | 'more'
}

/** The most that a call may cost more with the largest request than with the smallest, as noise of the machine. */
const noGrowth = 1.1
const behaviourBytes = 2_000
const sizeLimits: Readonly<Record<string, number>> = { core: 4_000, classify: 6_000 }

/** All goals, with what was measured of them. */
export function goalsOf(figures: Readonly<Record<string, number>>): CostGoal[] {
  const most = (goal: string, name: string, limit: number): CostGoal => ({
    goal,
    measured: figures[name],
    limit,
    better: 'less',
  })
  const least = (goal: string, name: string, limit: number): CostGoal => ({
    ...most(goal, name, limit),
    better: 'more',
  })
  return [
    most(`${three.name}: of ${wrapName}`, `share of wrap: ${three.name}`, 0.5),
    most(`${five.name}: of the same`, `share of wrap: ${five.name}`, 0.8),
    most(`${classifyAndFive.name}: of the same`, `share of wrap: ${classifyAndFive.name}`, 0.8),
    most(`${five.name}: 10 MB over 1 kB`, `growth: ${five.name}`, noGrowth),
    most(`${recipe.name}: 10 MB over 1 kB`, `growth: ${recipe.name}`, noGrowth),
    least('a guarded stream: of a bare pass-through, by event', 'stream: guarded of bare, by event', 0.8),
    least('a guarded stream: of a bare pass-through, in bulk', 'stream: guarded of bare, in bulk', 0.8),
    least("a guarded stream: of the SDK's decoder, by event", 'stream: guarded of decoder, by event', 0.8),
    least("a guarded stream: of the SDK's decoder, in bulk", 'stream: guarded of decoder, in bulk', 0.8),
    ...published
      .filter((name) => name !== 'breakwater')
      .map((name) =>
        most(`bytes of ${name}'s own code, gzipped`, `own: ${name}`, sizeLimits[name] ?? behaviourBytes),
      ),
  ]
}

/** Whether a goal is met; `undefined` where nothing was measured. */
export function isMet({ measured, limit, better }: CostGoal): boolean | undefined {
  if (measured === undefined) return undefined
  return better === 'less' ? measured <= limit : measured >= limit
}

/** The measured goals as rows: the goal, the limit, what was measured, and whether that meets it. */
export function goalRows(goals: readonly CostGoal[]): readonly (readonly string[])[] {
  return goals
    .filter(({ measured }) => measured !== undefined)
    .map((goal) => [
      goal.goal,
      `${goal.better === 'less' ? '≤' : '≥'} ${number(goal.limit)}`,
      number(goal.measured),
      isMet(goal) === true ? 'met' : 'missed',
    ])
}

/** What the columns of {@link goalRows} are called. */
export const goalHead = ['goal', 'limit', 'measured', ''] as const

/** The measured goals as plain text. */
export function goalText(goals: readonly CostGoal[]): string {
  return textTable(goalHead, goalRows(goals))
}

function number(value: number | undefined): string {
  if (value === undefined) return ''
  return value < 100 ? value.toFixed(2) : Math.round(value).toLocaleString('en')
}
