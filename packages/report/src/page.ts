import { figureOf } from './chart.ts'
import { escape, inline, paragraphs, tableOf, toned } from './html.ts'
import type { Fact, Report, Section } from './report.ts'
import { style } from './style.ts'

/**
 * The whole page: one file that fetches nothing and needs no script, for light and dark, narrow and wide.
 */
export function renderPage({ title, lead, facts, sections, footnotes }: Report): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${escape(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<header>
<h1>${inline(title)}</h1>
${paragraphs(lead)}
</header>
<ul class="facts">
${facts.map(factOf).join('\n')}
</ul>
${sections.map(sectionOf).join('\n')}
<footer>
<h2>How this was made</h2>
${paragraphs(footnotes)}
</footer>
</main>
</body>
</html>
`
}

function factOf({ label, values }: Fact): string {
  const rows = values.map(
    ({ name, tone, text }) =>
      `<dt>${toned(tone, name)}</dt><dd${tone === 'first' ? ' class="lead"' : ''}>${inline(text)}</dd>`,
  )
  return `<li><h2>${inline(label)}</h2><dl>${rows.join('')}</dl></li>`
}

function sectionOf({ heading, text = [], chart, tables = [] }: Section, index: number): string {
  return `<section>
<h2>${inline(heading)}</h2>
${paragraphs(text)}
${chart === undefined ? '' : figureOf(chart, heading, `chart-${index + 1}`)}
${tables.map(tableOf).join('\n')}
</section>`
}
