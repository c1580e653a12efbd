/**
 * @typedef {object} Definition A metric of `@breakwater/otel`, of what its `metric.ts` says of one.
 * @property {string} kind
 * @property {string} name
 * @property {string} unit
 * @property {readonly string[]} attributes
 */

/**
 * @typedef {object} Known What rules and dashboards may name.
 * @property {ReadonlySet<string>} exporter Series as the PrometheusExporter of OpenTelemetry JS writes them.
 * @property {ReadonlySet<string>} otlp Series as the OTLP translation does.
 * @property {ReadonlySet<string>} labels
 * @property {ReadonlySet<string>} recorded
 */

const published = 'gen_ai.client.operation.'
const next = 'gen_ai.client.inference.'

/**
 * The series of a metric in both spellings, in one order.
 * @param {Definition} definition
 */
export function seriesOf({ kind, name, unit }) {
  const base = name.replaceAll('.', '_')
  // OTLP: the unit becomes a suffix; what stands in braces is no unit.
  const unitSuffix = unit === 's' ? '_seconds' : unit === '1' && kind === 'gauge' ? '_ratio' : ''
  const suffixes = kind === 'histogram' ? ['_bucket', '_count', '_sum'] : [kind === 'counter' ? '_total' : '']
  return suffixes.map((suffix) => ({
    exporter: `${base}${suffix}`,
    otlp: `${base}${unitSuffix}${suffix}`,
  }))
}

/**
 * What may be named, by the definitions and the rules that record.
 * @param {readonly Definition[]} definitions
 * @param {string} rules
 * @returns {Known}
 */
export function knownNames(definitions, rules) {
  const series = definitions.flatMap(seriesOf)
  return {
    exporter: new Set(series.map(({ exporter }) => exporter)),
    otlp: new Set(series.map(({ otlp }) => otlp)),
    labels: new Set(
      definitions.flatMap(({ attributes }) => attributes.map((name) => name.replaceAll('.', '_'))),
    ),
    recorded: new Set([...rules.matchAll(/record: (\S+)/g)].map(([, name = '']) => name)),
  }
}

/**
 * What a text of PromQL names that does not exist; comments are left out.
 * @param {string} text
 * @param {Known} known
 * @param {{ recordedOnly?: boolean }} [options] Whether only what is recorded may be named.
 * @returns {string[]}
 */
export function unknownNames(text, { exporter, otlp, labels, recorded }, { recordedOnly = false } = {}) {
  /** @type {Set<string>} */
  const problems = new Set()
  const code = text.replaceAll(/^\s*#.*$/gm, '')
  const names = code.replaceAll(/__name__=~"([^"]*)"/g, (_, pattern) => {
    const matches = (/** @type {ReadonlySet<string>} */ set) =>
      [...set].some((name) => new RegExp(`^(?:${pattern})$`).test(name))
    if (recordedOnly) problems.add(`${pattern}: not recorded`)
    else if (!matches(exporter) || !matches(otlp))
      problems.add(`${pattern}: matches no metric in both spellings`)
    return ''
  })
  for (const [name] of names.matchAll(/\b(?:breakwater|gen_ai|anthropic)[:_][a-z0-9_:]+/g)) {
    if (recorded.has(name) || labels.has(name)) continue
    if (recordedOnly) problems.add(`${name}: neither recorded nor a label`)
    else if (exporter.has(name) !== otlp.has(name)) problems.add(`${name}: in one spelling only`)
    else if (!exporter.has(name)) problems.add(`${name}: no metric, and no label`)
  }
  return [...problems]
}

/**
 * Test series in another spelling.
 * @param {string} text In the exporter's spelling, with the published names.
 * @param {readonly Definition[]} definitions
 * @param {{ otlp?: boolean, next?: boolean }} to
 */
export function respell(text, definitions, { otlp = false, next: isNext = false }) {
  const spellings = new Map(
    definitions.flatMap(seriesOf).map((series) => [series.exporter, otlp ? series.otlp : series.exporter]),
  )
  return text.replaceAll(/\b(?:breakwater|gen_ai)_[a-z0-9_]+(?=\{)/g, (name) => {
    const renamed = isNext ? name.replace(published.replaceAll('.', '_'), next.replaceAll('.', '_')) : name
    return spellings.get(renamed) ?? renamed
  })
}

/**
 * The smallest part of a test file that shows each alert once as it fires and once as it does not; the first case stays, as
 * it holds what others refer to.
 * @param {string} text
 */
export function sampleCases(text) {
  const [head = '', ...cases] = text.split(/^(?= {2}- name: )/m)
  /** @type {Set<string>} */
  const shown = new Set()
  const kept = cases.filter((one, index) => {
    const [, alert, isNot] = /name: ['"]?(Breakwater\w+)(: not)?/.exec(one) ?? []
    if (alert === undefined) return true
    const shows = `${alert} ${isNot}`
    const isNew = !shown.has(shows)
    shown.add(shows)
    return isNew || index === 0
  })
  return head + kept.join('')
}
