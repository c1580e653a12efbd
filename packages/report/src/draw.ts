import { BarChart, CustomChart, LineChart, ScatterChart } from 'echarts/charts.js'
import { GridComponent, MarkAreaComponent } from 'echarts/components.js'
import { init, use, type EChartsCoreOption } from 'echarts/core.js'
import { SVGRenderer } from 'echarts/renderers.js'
import { escape } from './html.ts'

use([BarChart, CustomChart, LineChart, ScatterChart, GridComponent, MarkAreaComponent, SVGRenderer])

/** A width that a chart is drawn for; the page shows the one that fits. */
export interface Size {
  readonly name: 'narrow' | 'medium' | 'wide'
  readonly width: number
}

/** The widths, in units of the drawing: about pixels, so that text has its size. */
export const sizes: readonly Size[] = [
  { name: 'narrow', width: 344 },
  { name: 'medium', width: 620 },
  { name: 'wide', width: 970 },
]

/** What to draw, and how high. */
export interface Drawing {
  readonly height: number
  readonly option: EChartsCoreOption
}

/** What a series that draws by itself is told by echarts. */
export interface Api {
  value(index: number): number
  coord(point: readonly [number, number]): readonly [number, number]
}

/** A colour of the page's style sheet, for light and dark. */
export function colour(name: string): string {
  return `var(--${name})`
}

/** Draws an SVG with a title and a description, which need an id that no other has. */
export function draw(
  { height, option }: Drawing,
  size: Size,
  id: string,
  title: string,
  description: string,
): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: size.width, height })
  try {
    chart.setOption({
      animation: false,
      textStyle: { fontFamily: 'inherit', fontSize: 12, color: colour('quiet') },
      ...option,
    })
    return tidy(chart.renderToSVGString({ useViewBox: true }), size, id, title, description)
  } finally {
    // It keeps the process alive otherwise.
    chart.dispose()
  }
}

/** Takes out what only a live chart needs, and says what the picture shows. */
function tidy(svg: string, { name, width }: Size, id: string, title: string, description: string): string {
  const height = /viewBox="0 0 \d+ (\d+)"/.exec(svg)?.[1] ?? '0'
  const body = svg
    .replace(/^<svg[^>]*>/, '')
    .replace(/<style >[\s\S]*?<\/style>/, '')
    .replace(/<rect [^>]*fill="none"><\/rect>/, '')
    .replaceAll(/<path d=""[^>]*><\/path>/g, '')
    .replaceAll(/ (?:ecmeta_\w+|class|pointer-events|dominant-baseline)="[^"]*"/g, (attribute) =>
      attribute.startsWith(' dominant') ? attribute : '',
    )
    .replaceAll('font-family:inherit;', '')
    .replaceAll(/\n+/g, '\n')
  return `<svg class="${name}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-title ${id}-text">
<title id="${id}-title">${escape(title)}</title><desc id="${id}-text">${escape(description)}</desc>${body}`
}
