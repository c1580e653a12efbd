import { barDrawing } from './bar-chart.ts'
import { chartTable } from './chart-table.ts'
import { draw, type Drawing, sizes, type Size } from './draw.ts'
import { escape, inline, tableOf } from './html.ts'
import { laneDrawing } from './lane-chart.ts'
import type { Chart, Tone } from './report.ts'
import { timeDrawing } from './time-chart.ts'

/** A chart with its key and its numbers; drawn for each width, of which the page shows one. */
export function figureOf(chart: Chart, title: string, id: string): string {
  const drawings = sizes.map((size) =>
    draw(drawingOf(chart, size), size, `${id}-${size.name}`, title, chart.description),
  )
  const keys = keysOf(chart).map(
    ({ name, tone, mark }) => `<li class="key"><i class="swatch ${mark} ${tone}"></i>${inline(name)}</li>`,
  )
  const unit = chart.kind === 'bars' || (chart.kind === 'time' && chart.panels[0]?.name !== undefined)
  return `<figure aria-label="${escape(title)}">
${keys.length > 0 ? `<ul class="keys">${keys.join('')}</ul>` : ''}
${unit ? `<figcaption>${inline(chart.unit)}</figcaption>` : ''}
${drawings.join('\n')}
<details><summary>The numbers</summary>${tableOf(chartTable(chart, title))}</details>
</figure>`
}

function drawingOf(chart: Chart, size: Size): Drawing {
  switch (chart.kind) {
    case 'time':
      return timeDrawing(chart, size)
    case 'bars':
      return barDrawing(chart, size)
    case 'lanes':
      return laneDrawing(chart, size)
  }
}

interface Key {
  readonly name: string
  readonly tone: Tone
  readonly mark: '' | 'line' | 'line dashed'
}

/** What the colours of a chart stand for, each once. */
function keysOf(chart: Chart): readonly Key[] {
  return [...new Map(allKeys(chart).map((key) => [`${key.name} ${key.tone}`, key])).values()]
}

function allKeys(chart: Chart): readonly Key[] {
  switch (chart.kind) {
    case 'time': {
      const line = (isDashed: boolean): Key['mark'] => (isDashed ? 'line dashed' : 'line')
      return chart.panels.flatMap(({ series }) =>
        series.map(({ name, tone, isDashed = false }) => ({
          name,
          tone,
          mark: chart.shape === 'bars' ? '' : line(isDashed),
        })),
      )
    }
    case 'bars':
      return chart.series.map(({ name, tone }) => ({ name, tone, mark: '' }))
    case 'lanes':
      return chart.lanes.flatMap(({ stretches }) =>
        stretches.map(({ name, tone }) => ({ name, tone, mark: '' })),
      )
  }
}
