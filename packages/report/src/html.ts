import type { Table, Tone } from './report.ts'

/** Text as HTML. */
export function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

/** Paragraphs; what stands between backticks is code. */
export function paragraphs(texts: readonly string[]): string {
  return texts.map((text) => `<p>${inline(text)}</p>`).join('\n')
}

/** A line of text; what stands between backticks is code, between double asterisks bold. */
export function inline(text: string): string {
  return (
    escape(text)
      .replaceAll(/`([^`]+)`/g, '<code>$1</code>')
      .replaceAll(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
      // A number and its unit stay together.
      .replaceAll(/(\d) (?=(?:%|ms|s|min)(?:[^\w]|$))/g, '$1&nbsp;')
  )
}

/** A coloured name, as in the key of a chart. */
export function toned(tone: Tone, name: string): string {
  return `<span class="key"><i class="swatch ${tone}"></i>${inline(name)}</span>`
}

/** A table that scrolls by itself where the page is narrow; below its caption where it is folded. */
export function tableOf({ caption, isFolded = false, columns, rows }: Table): string {
  const kind = (index: number): string => (columns[index]?.isNumber === true ? ' class="number"' : '')
  const head = columns.map(({ name }, index) => `<th scope="col"${kind(index)}>${inline(name)}</th>`)
  const body = rows.map((cells) => {
    const [first = '', ...rest] = cells
    const others = rest.map((cell, index) => `<td${kind(index + 1)}>${inline(cell)}</td>`)
    return `<tr><th scope="row">${inline(first)}</th>${others.join('')}</tr>`
  })
  // Whoever uses no mouse scrolls it with the arrow keys.
  const scrolling = `<div class="scroll" role="region" tabindex="0" aria-label="${escape(caption)}"><table>
${isFolded ? '' : `<caption>${inline(caption)}</caption>`}
<thead><tr>${head.join('')}</tr></thead>
<tbody>
${body.join('\n')}
</tbody></table></div>`
  return isFolded ? `<details><summary>${inline(caption)}</summary>${scrolling}</details>` : scrolling
}
