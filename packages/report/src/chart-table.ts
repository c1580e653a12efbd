import { numberText } from './numbers.ts'
import type { BarChart, Chart, LaneChart, Table, TimeChart } from './report.ts'

/** What a chart shows, as a table. */
export function chartTable(chart: Chart, title: string): Table {
  switch (chart.kind) {
    case 'time':
      return timeTable(chart, title)
    case 'bars':
      return barTable(chart, title)
    case 'lanes':
      return laneTable(chart, title)
  }
}

/** At most this many rows: longer times are told in longer steps. */
const maxRows = 60

function timeTable({ panels, stepSeconds, unit }: TimeChart, title: string): Table {
  const columns = panels.flatMap((panel) =>
    panel.series.map((series) => ({
      name: panel.name === undefined ? series.name : `${panel.name}: ${series.name}`,
      values: series.values,
    })),
  )
  const steps = Math.max(0, ...columns.map(({ values }) => values.length))
  const every = Math.ceil(steps / maxRows)
  const moments = Array.from({ length: Math.ceil(steps / every) || 0 }, (_, row) => row * every)
  return {
    caption: `${title}: ${unit}`,
    columns: [{ name: 'second' }, ...columns.map(({ name }) => ({ name, isNumber: true }))],
    rows: moments.map((step) => [
      String(step * stepSeconds),
      ...columns.map(({ values }) => numberText(values[step])),
    ]),
  }
}

function barTable({ categories, series, unit }: BarChart, title: string): Table {
  return {
    caption: `${title}: ${unit}`,
    columns: [{ name: '' }, ...series.map(({ name }) => ({ name, isNumber: true }))],
    rows: categories.map((category, index) => [
      category,
      ...series.map(({ values }) => numberText(values[index])),
    ]),
  }
}

function laneTable({ lanes }: LaneChart, title: string): Table {
  const seconds = (value: number): string => value.toFixed(1)
  return {
    caption: `${title}: seconds`,
    columns: [
      { name: 'what' },
      { name: 'state' },
      { name: 'from', isNumber: true },
      { name: 'to', isNumber: true },
    ],
    rows: lanes.flatMap(({ name, stretches, moments }) => [
      ...stretches.map((stretch) => [name, stretch.name, seconds(stretch.from), seconds(stretch.to)]),
      ...(moments.length === 0 ? [] : [momentsRow(name, moments, seconds)]),
    ]),
  }
}

function momentsRow(
  name: string,
  moments: readonly number[],
  seconds: (value: number) => string,
): readonly string[] {
  const times = moments.length === 1 ? 'once' : `${moments.length} times`
  return [name, times, seconds(Math.min(...moments)), seconds(Math.max(...moments))]
}
