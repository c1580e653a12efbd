import { colour, type Drawing, type Size } from './draw.ts'
import { phaseAreas, phaseRows, timeAxis } from './phases.ts'
import type { Panel, Series, TimeChart } from './report.ts'

const panelHeights = { narrow: 150, medium: 170, wide: 180 } as const
const gap = 40
const bottom = 24

/** Panels below one another: one scale, one axis of time. */
export function timeDrawing(chart: TimeChart, size: Size): Drawing {
  const { panels, phases } = chart
  const seconds = lengthOf(chart)
  const rows = phaseRows(phases, seconds, size.width)
  const height = panelHeights[size.name]
  const top = (index: number): number => 8 + rows.height + 18 + index * (height + gap)
  const max = highest(chart)
  return {
    height: top(panels.length - 1) + height + bottom,
    option: {
      grid: panels.map((_, index) => ({
        left: 40,
        right: 18,
        top: top(index),
        height,
        outerBoundsMode: 'none',
      })),
      xAxis: panels.map((_, index) => timeAxis(seconds, size, index, index === panels.length - 1)),
      yAxis: panels.map((panel, index) => valueAxis(panel.name ?? chart.unit, max, index)),
      series: panels.flatMap((panel, index) => [
        phaseAreas(rows, phases, index, index === 0),
        ...panel.series.map((series) => drawn(chart, panel, series, index)),
      ]),
    },
  }
}

/** How long the chart is, in seconds. */
export function lengthOf({ panels, stepSeconds }: TimeChart): number {
  const steps = panels.flatMap(({ series }) => series.map(({ values }) => values.length))
  return Math.max(1, ...steps) * stepSeconds
}

function drawn({ shape, stepSeconds }: TimeChart, panel: Panel, series: Series, index: number): object {
  // A value stands for the time after its moment: its point is in the middle of that.
  const data = series.values.map((value, step) => [(step + 0.5) * stepSeconds, value])
  const common = { name: series.name, xAxisIndex: index, yAxisIndex: index, silent: true, data }
  const fill = colour(series.tone)
  if (shape === 'bars')
    return { ...common, type: 'bar', stack: `panel ${index}`, barWidth: '78%', itemStyle: { color: fill } }
  return {
    ...common,
    type: 'line',
    symbol: 'none',
    // Breakwater above the others.
    z: series.tone === 'first' ? 3 : 2,
    lineStyle: {
      color: fill,
      width: series.isDashed === true ? 1.5 : 2.5,
      type: series.isDashed === true ? [5, 4] : 'solid',
    },
    areaStyle:
      panel.series.length <= 2 && series.isDashed !== true ? { color: fill, opacity: 0.1 } : undefined,
  }
}

function valueAxis(name: string, max: number, index: number): object {
  return {
    gridIndex: index,
    type: 'value',
    min: 0,
    max,
    splitNumber: 3,
    interval: max / (max % 3 === 0 ? 3 : 2),
    name,
    nameGap: 8,
    nameTextStyle: { color: colour('ink'), align: 'left', padding: [0, 0, 0, -30], fontWeight: 600 },
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: { color: colour('quiet') },
    splitLine: { lineStyle: { color: colour('rule') } },
  }
}

/** The end of the scale: above everything, and a round number. */
export function highest({ panels, shape }: TimeChart): number {
  const tops = panels.flatMap(({ series }) => {
    const steps = Math.max(0, ...series.map(({ values }) => values.length))
    return Array.from({ length: steps }, (_, step) => {
      const values = series.map(({ values }) => values[step] ?? 0)
      return shape === 'bars' ? values.reduce((sum, value) => sum + value, 0) : Math.max(0, ...values)
    })
  })
  return roundUp(Math.max(...tops, 0))
}

/** The next number of 1, 1.5, 2, 3, 4, 6 or 8 with zeros: halves and thirds of it are easy to read. */
export function roundUp(value: number): number {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  const step = [1, 1.5, 2, 3, 4, 6, 8, 10].find((factor) => factor * power >= value * 0.999_999) ?? 10
  return Number((step * power).toPrecision(3))
}
