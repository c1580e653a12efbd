import { type Api, colour, type Drawing, type Size } from './draw.ts'
import { numberText } from './numbers.ts'
import type { BarChart } from './report.ts'
import { roundUp } from './time-chart.ts'

const barHeight = 17
const categoryGap = 14
const charWidth = 6.6

/** Lying bars, a group for each category; on narrow pages its name stands above the group. */
export function barDrawing({ categories, series }: BarChart, size: Size): Drawing {
  const isNarrow = size.name === 'narrow'
  const nameHeight = isNarrow ? 18 : 0
  const groupHeight = series.length * barHeight + categoryGap + nameHeight
  const height = categories.length * groupHeight
  const values = series.flatMap(({ values }) => values.map((value) => value ?? 0))
  const names = Math.max(0, ...categories.map(({ length }) => length)) * charWidth
  return {
    height: height + 46,
    option: {
      grid: {
        left: isNarrow ? 4 : Math.min(names + 16, size.width * 0.4),
        right: 56,
        top: 22,
        height,
        outerBoundsMode: 'none',
      },
      xAxis: {
        type: 'value',
        min: 0,
        max: roundUp(Math.max(0, ...values)),
        splitNumber: isNarrow ? 2 : 4,
        axisLabel: { color: colour('quiet'), formatter: (value: number) => numberText(value) },
        splitLine: { lineStyle: { color: colour('rule') } },
      },
      yAxis: {
        type: 'category',
        data: [...categories],
        inverse: true,
        axisLine: { lineStyle: { color: colour('muted') } },
        axisTick: { show: false },
        axisLabel: { show: !isNarrow, color: colour('ink'), interval: 0 },
      },
      series: [
        ...(isNarrow ? [namesAbove(categories, series.length)] : []),
        ...series.map(({ name, tone, values }) => ({
          type: 'bar',
          name,
          silent: true,
          barWidth: barHeight - 4,
          barGap: '30%',
          itemStyle: { color: colour(tone) },
          label: {
            show: true,
            position: 'right',
            color: colour('ink'),
            textBorderWidth: 0,
            formatter: ({ value }: { value: unknown }) =>
              typeof value === 'number' ? numberText(value) : '–',
          },
          data: [...values],
        })),
      ],
    },
  }
}

function namesAbove(categories: readonly string[], bars: number): object {
  return {
    type: 'custom',
    silent: true,
    data: categories.map((_, index) => [0, index]),
    renderItem({ dataIndex }: { dataIndex: number }, api: Api) {
      const [x, y] = api.coord([0, dataIndex])
      const text = categories[dataIndex]
      const style = {
        text,
        x: x + 3,
        y: y - (bars * barHeight) / 2 - 3,
        fill: colour('ink'),
        fontFamily: 'inherit',
      }
      return { type: 'text', style: { ...style, fontSize: 12, verticalAlign: 'bottom' } }
    },
  }
}
