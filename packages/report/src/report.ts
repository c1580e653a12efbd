/**
 * What a colour stands for; each has one for light and one for dark. `first` to `fourth` tell contenders apart, and
 * `first` is Breakwater wherever it takes part.
 */
export type Tone = 'first' | 'second' | 'third' | 'fourth' | 'good' | 'bad' | 'warn' | 'muted'

/** A page that a person reads in a minute. */
export interface Report {
  readonly title: string
  /** What happened, and what came of it. */
  readonly lead: readonly string[]
  readonly facts: readonly Fact[]
  readonly sections: readonly Section[]
  /** How it was made, for whoever wants to make it again. */
  readonly footnotes: readonly string[]
}

/** One number, for each contender. */
export interface Fact {
  readonly label: string
  readonly values: readonly { readonly name: string; readonly tone: Tone; readonly text: string }[]
}

/** A heading with its text, and what shows it. */
export interface Section {
  readonly heading: string
  readonly text?: readonly string[]
  readonly chart?: Chart
  readonly tables?: readonly Table[]
}

/** Rows of text; the first cell of a row is its head. */
export interface Table {
  readonly caption: string
  /** Whether only the caption is shown until somebody asks for more. */
  readonly isFolded?: boolean
  /** The first is that of the heads. Numbers stand on the right. */
  readonly columns: readonly { readonly name: string; readonly isNumber?: boolean }[]
  readonly rows: readonly (readonly string[])[]
}

/** Any chart: plain data, drawn by its `kind`. */
export type Chart = TimeChart | BarChart | LaneChart

interface AnyChart {
  /** Stands below the heading: what is to be seen, for those who cannot see it. */
  readonly description: string
}

/** Values over time: lines, or bars on one another, in panels of one scale. */
export interface TimeChart extends AnyChart {
  readonly kind: 'time'
  readonly shape: 'lines' | 'bars'
  /** What the values are: `requests per second`. */
  readonly unit: string
  /** Time between two values, in seconds. */
  readonly stepSeconds: number
  readonly panels: readonly Panel[]
  /** What was going on. */
  readonly phases: readonly Phase[]
}

/** One picture of a time chart. */
export interface Panel {
  readonly name?: string
  readonly series: readonly Series[]
}

/** One line, or one kind of bar. */
export interface Series {
  readonly name: string
  readonly tone: Tone
  readonly isDashed?: boolean
  /** One value a step; null where there is none. */
  readonly values: readonly (number | null)[]
}

/** A part of the time, in seconds. */
export interface Phase {
  readonly name: string
  readonly from: number
  readonly to: number
  /** Whether all is well: it is not shaded. */
  readonly isCalm?: boolean
}

/** A number for each of some things, by contender. */
export interface BarChart extends AnyChart {
  readonly kind: 'bars'
  readonly unit: string
  readonly categories: readonly string[]
  readonly series: readonly {
    readonly name: string
    readonly tone: Tone
    readonly values: readonly (number | null)[]
  }[]
}

/** What was the case when, and what happened: one lane each. */
export interface LaneChart extends AnyChart {
  readonly kind: 'lanes'
  /** Length, in seconds. */
  readonly seconds: number
  readonly lanes: readonly Lane[]
  readonly phases: readonly Phase[]
}

/** A lane of a {@link LaneChart}. */
export interface Lane {
  readonly name: string
  /** Shown in the key; stretches of one lane may differ. */
  readonly stretches: readonly {
    readonly from: number
    readonly to: number
    readonly tone: Tone
    readonly name: string
  }[]
  /** Seconds at which something happened. */
  readonly moments: readonly number[]
  readonly tone: Tone
}
