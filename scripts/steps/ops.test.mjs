import { describe, expect, it } from 'vitest'
import { alertProblems, dashboardProblems, filledIn, queriesOf } from './ops-files.mjs'
import { knownNames, respell, sampleCases, seriesOf, unknownNames } from './ops-names.mjs'

const model = ['gen_ai.request.model']
const attempts = { kind: 'histogram', name: 'breakwater.attempt.duration', unit: 's', attributes: model }
const retries = { kind: 'counter', name: 'breakwater.retry.exhausted', unit: '{call}', attributes: [] }
const limit = { kind: 'gauge', name: 'breakwater.limit', unit: '1', attributes: [] }
const state = { kind: 'up_down_counter', name: 'breakwater.state', unit: '1', attributes: [] }
const published = {
  kind: 'histogram',
  name: 'gen_ai.client.operation.duration',
  unit: 's',
  attributes: model,
}
const next = { ...published, name: 'gen_ai.client.inference.duration' }
const definitions = [attempts, retries, limit, state, published, next]

describe('seriesOf', () => {
  it('spells histograms, counters and gauges as the two exporters do', () => {
    expect(definitions.slice(0, 4).flatMap(seriesOf)).toEqual([
      { exporter: 'breakwater_attempt_duration_bucket', otlp: 'breakwater_attempt_duration_seconds_bucket' },
      { exporter: 'breakwater_attempt_duration_count', otlp: 'breakwater_attempt_duration_seconds_count' },
      { exporter: 'breakwater_attempt_duration_sum', otlp: 'breakwater_attempt_duration_seconds_sum' },
      { exporter: 'breakwater_retry_exhausted_total', otlp: 'breakwater_retry_exhausted_total' },
      { exporter: 'breakwater_limit', otlp: 'breakwater_limit_ratio' },
      { exporter: 'breakwater_state', otlp: 'breakwater_state' },
    ])
  })
})

describe('unknownNames', () => {
  const known = knownNames(definitions, '- record: breakwater:attempts:rate5m\n  expr: 1\n')

  it.each([
    'rate({__name__=~"breakwater_attempt_duration(_seconds)?_count"}[5m])',
    'sum by (gen_ai_request_model) (breakwater_retry_exhausted_total)',
    'breakwater:attempts:rate5m{gen_ai_request_model="m"}',
    '# about breakwater_nothing_total',
  ])('accepts %s', (text) => {
    expect(unknownNames(text, known)).toEqual([])
  })

  it.each([
    ['{__name__=~"breakwater_attempt_duration_count"}', /matches no metric in both spellings/],
    ['{__name__=~"breakwater_attempts(_seconds)?_count"}', /matches no metric in both spellings/],
    ['breakwater_attempt_duration_count', /in one spelling only/],
    ['breakwater_retries_total', /no metric, and no label/],
    [
      'breakwater_retry_exhausted_total{breakwater_reasons="a"}',
      /breakwater_reasons: no metric, and no label/,
    ],
    ['breakwater:attempts:rate1m', /no metric, and no label/],
  ])('reports %s', (text, problem) => {
    expect(unknownNames(text, known)).toEqual([expect.stringMatching(problem)])
  })

  it('can insist on what is recorded', () => {
    const options = { recordedOnly: true }
    expect(unknownNames('breakwater_retry_exhausted_total', known, options)).toHaveLength(1)
    expect(
      unknownNames('{__name__=~"breakwater_attempt_duration(_seconds)?_count"}', known, options),
    ).toHaveLength(1)
    expect(unknownNames('breakwater:attempts:rate5m{gen_ai_request_model="m"}', known, options)).toEqual([])
  })
})

describe('respell', () => {
  const text = [
    '- series: \'breakwater_attempt_duration_count{gen_ai_request_model="m"}\'',
    '- series: \'gen_ai_client_operation_duration_sum{gen_ai_request_model="m"}\'',
    "- expr: 'breakwater:attempts:rate5m'",
  ].join('\n')

  it('leaves the text as it is', () => {
    expect(respell(text, definitions, {})).toBe(text)
  })

  it('writes series, and nothing else, in the other spelling and with the next names', () => {
    expect(respell(text, definitions, { otlp: true, next: true })).toBe(
      text
        .replace('attempt_duration_count', 'attempt_duration_seconds_count')
        .replace('operation_duration_sum', 'inference_duration_seconds_sum'),
    )
    expect(respell(text, definitions, { next: true })).toBe(text.replace('operation', 'inference'))
  })
})

describe('sampleCases', () => {
  it('keeps of each alert the first case that fires and the first that does not', () => {
    const cases = [
      'healthy',
      'BreakwaterA',
      'BreakwaterA: again',
      'BreakwaterA: not so',
      'BreakwaterA: nothing',
    ]
    const texts = [...cases, 'BreakwaterB: not', 'BreakwaterB: really'].map(
      (name) => `  - name: '${name}'\n    x: 1\n`,
    )
    expect(sampleCases(`tests:\n${texts.join('')}`)).toBe(
      `tests:\n${[0, 1, 3, 5, 6].map((index) => texts[index]).join('')}`,
    )
  })
})

describe('alertProblems', () => {
  const alerts = `groups:
  - name: g
    rules:
      - alert: Down
        expr: up == 0
        labels:
          severity: page
        annotations:
          summary: It is down
          description: It is
          runbook_url: docs/production.md#down
`
  const runbook = '# Page\n\n### Down\n'
  const tests = `tests:
  - name: 'Down'
    exp_samples:
      - { labels: '{alertname="Down"}', value: 1 }
  - name: 'Down: not when it is up'
    exp_samples: []
`

  it('accepts an alert with all that it needs', () => {
    expect(alertProblems(alerts, runbook, tests)).toEqual([])
  })

  it.each([
    [alerts.replace('page', 'loud'), runbook, tests, 'Down: no severity'],
    [alerts.replace('#down', '#up'), runbook, tests, 'Down: its runbook_url is not docs/production.md#down'],
    [alerts.replace('summary', 'title'), runbook, tests, 'Down: no summary'],
    [alerts, '### Downtown\n', tests, 'Down: no heading in docs/production.md'],
    [
      alerts,
      runbook,
      tests.replace('alertname="Down"', 'alertname="Up"'),
      'Down: no test of a case that fires',
    ],
    [alerts, runbook, tests.replace('[]', ''), 'Down: no test of a case that does not fire'],
    ['groups: []', runbook, tests, 'there are no alerts'],
  ])('reports what is missing %#', (rules, page, cases, problem) => {
    expect(alertProblems(rules, page, cases)).toEqual([problem])
  })
})

describe('dashboards', () => {
  const panel = {
    id: 1,
    type: 'timeseries',
    title: 'Calls',
    description: 'All of them.',
    datasource: { type: 'prometheus', uid: '${datasource}' },
    gridPos: { x: 0, y: 0, w: 12, h: 8 },
    targets: [{ refId: 'A', expr: 'sum(calls{job=~"$job"})' }],
  }
  const list = [
    { name: 'datasource', type: 'datasource', query: 'prometheus' },
    { name: 'job', type: 'query', definition: 'label_values(up{a="b, c"}, job)' },
  ]
  const dashboard = { uid: 'u', title: 't', schemaVersion: 39, templating: { list }, panels: [panel] }

  it('accepts a sound one', () => {
    expect(dashboardProblems(dashboard)).toEqual([])
  })

  it.each([
    [{ ...dashboard, uid: '' }, /no uid/],
    [{ ...dashboard, templating: { list: list.slice(1) } }, /no variable/],
    [
      { ...dashboard, panels: [{ ...panel, datasource: { type: 'prometheus', uid: 'mine' } }] },
      /another datasource/,
    ],
    [{ ...dashboard, panels: [{ ...panel, description: '' }] }, /no title or description/],
    [{ ...dashboard, panels: [{ ...panel, gridPos: { x: 20, y: 0, w: 12, h: 8 } }] }, /wider than the page/],
    [{ ...dashboard, panels: [{ ...panel, targets: [] }] }, /no targets/],
    [{ ...dashboard, panels: [panel, { ...panel, id: 2, title: 'More' }] }, /Calls lies on More/],
    [
      { ...dashboard, panels: [panel, { ...panel, gridPos: { x: 12, y: 0, w: 12, h: 8 } }] },
      /two panels have one id/,
    ],
  ])('reports what is wrong %#', (one, problem) => {
    expect(dashboardProblems(one)).toEqual([expect.stringMatching(problem)])
  })

  it('finds the queries of panels and variables, and fills in what Grafana would', () => {
    expect(queriesOf(dashboard).map(({ title, expr }) => [title, filledIn(expr)])).toEqual([
      ['Calls (A)', 'sum(calls{job=~".*"})'],
      ['variable job', 'up{a="b, c"}'],
    ])
    expect(filledIn('rate(x{a="$model"}[$__rate_interval])')).toBe('rate(x{a=".*"}[10s])')
  })
})
