import { colour, type Size } from './draw.ts'
import type { Phase } from './report.ts'

const lineHeight = 16
/** Units of a character, about, at the size of the labels. */
const charWidth = 6.2
const margins = 58

/** Where the names of the phases stand: where one does not fit beside the one before, a line lower. */
export interface PhaseRows {
  readonly height: number
  /** Of each phase; undefined for those without a name. */
  readonly lines: readonly (number | undefined)[]
}

/** Sets the names of the phases in as few lines as they need. */
export function phaseRows(phases: readonly Phase[], seconds: number, width: number): PhaseRows {
  const scale = (width - margins) / seconds
  const ends: number[] = []
  const lines = phases.map(({ name, from, to, isCalm }) => {
    if (isCalm === true) return undefined
    const length = name.length * charWidth
    const begin = Math.min(from * scale, width - margins - length)
    let line = ends.findIndex((end) => end <= begin)
    if (line < 0) line = ends.length
    ends[line] = Math.max(begin + length + 10, Math.min(to * scale, begin + length + 10))
    return line
  })
  return { height: ends.length * lineHeight, lines }
}

/** The shaded stretches, as a series of its own behind the others; their names stand above the first panel. */
export function phaseAreas(
  { height, lines }: PhaseRows,
  phases: readonly Phase[],
  index: number,
  isNamed: boolean,
): object {
  const areas = phases.flatMap((phase, at) => {
    const line = lines[at]
    if (line === undefined) return []
    const label = {
      show: isNamed,
      position: 'insideTopLeft',
      // Above the panel and its name.
      offset: [-4, line * lineHeight - height - 26],
      color: colour('ink'),
      fontSize: 11.5,
      // A halo of echarts is white, also in the dark.
      textBorderWidth: 0,
      overflow: 'none',
    }
    return [[{ name: phase.name, xAxis: phase.from, label }, { xAxis: phase.to }]]
  })
  return {
    type: 'line',
    name: 'phases',
    xAxisIndex: index,
    yAxisIndex: index,
    silent: true,
    symbol: 'none',
    data: [],
    // Behind the axes.
    markArea: {
      z: -1,
      silent: true,
      itemStyle: { color: colour('shade'), borderColor: colour('card'), borderWidth: 2 },
      data: areas,
    },
  }
}

/** The axis of time, in seconds. */
export function timeAxis(seconds: number, { name }: Size, index: number, isLabelled: boolean): object {
  const steps = name === 'narrow' ? 4 : 8
  const interval = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600].find((step) => seconds / step <= steps) ?? 1200
  return {
    gridIndex: index,
    type: 'value',
    min: 0,
    max: seconds,
    interval,
    // Bars would move the beginning of the axis, and the phases with it.
    containShape: false,
    axisLine: { onZero: false, lineStyle: { color: colour('muted') } },
    axisTick: { show: isLabelled, lineStyle: { color: colour('muted') } },
    axisLabel: {
      show: isLabelled,
      color: colour('quiet'),
      showMaxLabel: seconds % interval === 0,
      formatter: (value: number) => `${value} s`,
    },
    splitLine: { show: false },
  }
}
