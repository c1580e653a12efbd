import { describe, expect, it } from 'vitest'
import { renderPage } from './page.ts'
import type { Chart, Report } from './report.ts'

const phases = [{ name: 'outage', from: 1, to: 2 }]
const charts: readonly Chart[] = [
  {
    kind: 'time',
    shape: 'lines',
    unit: 'requests per second',
    stepSeconds: 1,
    phases,
    description: 'Lines <that> rise.',
    panels: [
      {
        series: [
          { name: 'one', tone: 'first', values: [1, 2, null, 4] },
          { name: 'other', tone: 'second', isDashed: true, values: [4, 3] },
        ],
      },
    ],
  },
  {
    kind: 'time',
    shape: 'bars',
    unit: 'calls per second',
    stepSeconds: 1,
    phases,
    description: 'Bars.',
    panels: ['one', 'other'].map((name) => ({
      name,
      series: [
        { name: 'answered', tone: 'good', values: [1, 2] },
        { name: 'failed', tone: 'bad', values: [0, 3] },
      ],
    })),
  },
  {
    kind: 'bars',
    unit: 'requests',
    description: 'More bars.',
    categories: ['overload', 'outage'],
    series: [{ name: 'one', tone: 'first', values: [3, null] }],
  },
  {
    kind: 'lanes',
    seconds: 4,
    phases,
    description: 'Lanes.',
    lanes: [
      {
        name: 'circuit',
        tone: 'good',
        stretches: [{ from: 0, to: 2, tone: 'good', name: 'closed' }],
        moments: [],
      },
      { name: 'moved', tone: 'first', stretches: [], moments: [1, 1.5] },
    ],
  },
]

function pageOf(more: Partial<Report> = {}): string {
  return renderPage({
    title: 'A storm & its end',
    lead: ['`safe_call` met **it**.'],
    facts: [{ label: 'answered', values: [{ name: 'Breakwater', tone: 'first', text: '92 %' }] }],
    sections: charts.map((chart, index) => ({ heading: `Chart ${index}`, chart })),
    footnotes: ['`npm run demo`'],
    ...more,
  })
}

describe('renderPage', () => {
  const page = pageOf()
  const svgs = [...page.matchAll(/<svg[\s\S]*?<\/svg>/g)].map(([svg]) => svg)

  it('draws each chart for three widths, and tells its numbers in a table', () => {
    expect(svgs).toHaveLength(charts.length * 3)
    for (const name of ['narrow', 'medium', 'wide'])
      expect(svgs.filter((svg) => svg.startsWith(`<svg class="${name}"`))).toHaveLength(charts.length)
    expect(page.match(/<details>/g)).toHaveLength(charts.length)
    expect(page).toContain('<td class="number">–</td>')
  })

  it('says in each drawing what it shows', () => {
    for (const svg of svgs) {
      const [, title = '', text = ''] = /aria-labelledby="(\S+) (\S+)"/.exec(svg) ?? []
      expect(svg).toContain(`<title id="${title}">Chart `)
      expect(svg).toContain(`<desc id="${text}">`)
    }
    expect(page).toContain('Lines &lt;that&gt; rise.')
  })

  it('has each id once, and every reference leads to one', () => {
    const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const references = [...page.matchAll(/url\(#([^)]+)\)/g)].map(([, id]) => id)
    expect(references.length).toBeGreaterThan(0)
    for (const id of references) expect(ids).toContain(id)
  })

  it('takes all colours from its style sheet, so that each fits light and dark', () => {
    for (const svg of svgs) {
      const colours = [...svg.matchAll(/(?:fill|stroke)="([^"]+)"/g)].map(([, colour = '']) => colour)
      const own = colours.filter((colour) => !/^(?:none|var\(--\w+\))$/.test(colour))
      // A clip has a colour that nobody sees.
      expect(own.filter((colour) => colour !== '#000')).toEqual([])
    }
  })

  it('fetches nothing and runs nothing', () => {
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"`)
    expect(page).not.toMatch(/<script|https?:(?!\/\/www\.w3\.org)|ecmeta|CDATA|\bon\w+="/)
  })

  it('shows text as text', () => {
    expect(page).toContain('<title>A storm &amp; its end</title>')
    expect(page).toContain('<p><code>safe_call</code> met <strong>it</strong>.</p>')
  })

  it('draws the same again, but for ids', () => {
    const plain = (html: string): string => html.replaceAll(/zr\d+/g, 'zr')
    expect(plain(pageOf())).toBe(plain(page))
  })

  it('can do with text and tables alone', () => {
    const table = { caption: 'c', columns: [{ name: 'n' }], rows: [['r']] }
    const folded = { ...table, caption: 'more', isFolded: true }
    const text = pageOf({ sections: [{ heading: 'h', text: ['t'], tables: [table, folded] }] })
    expect(text).not.toContain('<svg')
    expect(text.match(/<th scope="row">r<\/th>/g)).toHaveLength(2)
    expect(text).toContain('<caption>c</caption>')
    expect(text).toContain('<details><summary>more</summary>')
  })
})
