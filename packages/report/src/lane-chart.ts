import { type Api, colour, type Drawing, type Size } from './draw.ts'
import { phaseAreas, phaseRows, timeAxis } from './phases.ts'
import type { Lane, LaneChart } from './report.ts'

const laneHeight = 44
const barHeight = 14

/** Lanes below one another: bars for what lasts, points for what happens; the name of a lane stands above it. */
export function laneDrawing({ lanes, seconds, phases }: LaneChart, size: Size): Drawing {
  const rows = phaseRows(phases, seconds, size.width)
  const top = 8 + rows.height + 18
  const height = lanes.length * laneHeight
  return {
    height: top + height + 26,
    option: {
      grid: { left: 10, right: 40, top, height, outerBoundsMode: 'none' },
      xAxis: timeAxis(seconds, size, 0, true),
      yAxis: {
        type: 'value',
        min: 0,
        max: lanes.length,
        inverse: true,
        show: false,
        splitLine: { show: false },
      },
      series: [
        phaseAreas(rows, phases, 0, true),
        ...lanes.flatMap((lane, index) => [stretches(lane, index), moments(lane, index), title(lane, index)]),
      ],
    },
  }
}

function stretches({ stretches }: Lane, index: number): object {
  return {
    type: 'custom',
    silent: true,
    data: stretches.map(({ from, to }) => [from, to]),
    renderItem({ dataIndex }: { dataIndex: number }, api: Api) {
      const [x, y] = api.coord([api.value(0), index + 0.7])
      const [end] = api.coord([api.value(1), index + 0.7])
      return {
        type: 'rect',
        shape: { x, y: y - barHeight / 2, width: Math.max(1.5, end - x), height: barHeight },
        style: { fill: colour(stretches[dataIndex]?.tone ?? 'muted') },
      }
    },
  }
}

function moments({ moments, tone }: Lane, index: number): object {
  return {
    type: 'scatter',
    silent: true,
    symbol: 'circle',
    symbolSize: 7,
    itemStyle: { color: colour(tone), opacity: 0.75 },
    data: moments.map((at) => [at, index + 0.7]),
  }
}

function title({ name }: Lane, index: number): object {
  return {
    type: 'custom',
    silent: true,
    data: [[0, index]],
    renderItem(_: unknown, api: Api) {
      const [x, y] = api.coord([0, index + 0.16])
      return {
        type: 'text',
        style: {
          text: name,
          x: x + 4,
          y,
          fill: colour('ink'),
          fontFamily: 'inherit',
          fontSize: 12,
          fontWeight: 600,
          verticalAlign: 'top',
        },
      }
    },
  }
}
