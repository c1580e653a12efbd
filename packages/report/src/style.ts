/** Colours by name: light, dark. Text on `paper` and `card` has a contrast of 4.5 at least, lines and areas of 3. */
const colours = {
  paper: ['#fbfaf7', '#14171c'],
  card: ['#ffffff', '#1c2027'],
  ink: ['#1d2127', '#e8e6e1'],
  quiet: ['#555b65', '#a9afb9'],
  rule: ['#d9d6cf', '#363c47'],
  shade: ['#f1eee6', '#252b34'],
  first: ['#0b63a5', '#5aaef0'],
  second: ['#b8500a', '#f0954a'],
  third: ['#6b4fa8', '#b79df2'],
  fourth: ['#2b7a52', '#63c795'],
  good: ['#2b7a52', '#63c795'],
  bad: ['#b3261e', '#ff7b70'],
  warn: ['#8a6a00', '#e0b93c'],
  muted: ['#7d838d', '#868d99'],
} as const

const tones = ['first', 'second', 'third', 'fourth', 'good', 'bad', 'warn', 'muted']

/** The style sheet of the page: nothing in it comes from elsewhere. */
export const style: string = `
:root { color-scheme: light dark; ${variables(0)} }
@media (prefers-color-scheme: dark) { :root { ${variables(1)} } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 40px 20px 64px; }
h1 { font-size: clamp(1.6rem, 5vw, 2.3rem); line-height: 1.15; letter-spacing: -0.02em; margin: 0 0 16px; text-wrap: balance; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 0 0 6px; text-wrap: balance; }
p { margin: 0 0 10px; max-width: 70ch; overflow-wrap: break-word; }
header p { font-size: 1.06rem; }
code { font: 0.92em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
section { margin-top: 44px; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 215px), 1fr)); gap: 12px; margin: 28px 0 0; padding: 0; list-style: none; }
.facts > li { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 14px 16px; }
.facts h2 { font-size: 0.86rem; font-weight: 600; color: var(--quiet); margin: 0 0 8px; }
.facts dl { display: grid; grid-template-columns: 1fr auto; gap: 4px 12px; align-items: baseline; margin: 0; }
.facts dt { font-size: 0.86rem; min-width: 0; }
.facts dd { margin: 0; font-size: 1.24rem; font-weight: 650; font-variant-numeric: tabular-nums; text-align: right; }
.facts dd.lead { font-size: 1.6rem; line-height: 1.2; }
figure { margin: 14px 0 0; background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 14px 14px 8px; }
.keys { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 0.86rem; margin: 0 0 8px; padding: 0; list-style: none; }
.key { display: inline-flex; align-items: center; gap: 7px; }
.swatch { width: 12px; height: 12px; border-radius: 3px; flex: none; }
.swatch.line { height: 0; border-radius: 0; border-top-width: 3px; border-top-style: solid; background: none !important; width: 20px; }
.swatch.dashed { border-top-style: dashed; border-top-width: 2px; }
${tones.map((tone) => `.${tone} { background: var(--${tone}); border-color: var(--${tone}); }`).join('\n')}
svg { display: block; width: 100%; height: auto; }
svg text { font-family: inherit; }
.narrow, .wide { display: none; }
@media (max-width: 559px) { .narrow { display: block; } .medium { display: none; } }
@media (min-width: 900px) { .wide { display: block; } .medium { display: none; } }
figcaption { font-size: 0.86rem; color: var(--quiet); margin: 0 0 8px; }
details { margin: 8px 0 0; font-size: 0.86rem; }
summary { cursor: pointer; color: var(--quiet); padding: 4px 0; }
.scroll { overflow-x: auto; max-width: 100%; }
.scroll:focus-visible, summary:focus-visible { outline: 2px solid var(--first); outline-offset: 2px; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; margin: 10px 0 4px; }
caption { text-align: left; color: var(--quiet); padding: 0 0 6px; font-size: 0.86rem; }
th, td { text-align: left; padding: 5px 18px 5px 0; border-bottom: 1px solid var(--rule); vertical-align: baseline; }
th { font-weight: 600; }
th:last-child, td:last-child { padding-right: 0; }
.number { text-align: right; white-space: nowrap; }
footer { margin-top: 52px; border-top: 1px solid var(--rule); padding-top: 18px; font-size: 0.9rem; color: var(--quiet); }
footer h2 { font-size: 1rem; color: var(--ink); }
@media print { figure, .facts > li { break-inside: avoid; } }
`

function variables(index: 0 | 1): string {
  return Object.entries(colours)
    .map(([name, values]) => `--${name}: ${values[index]};`)
    .join(' ')
}
