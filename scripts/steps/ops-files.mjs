/**
 * @typedef {object} Panel
 * @property {number} id
 * @property {string} type
 * @property {string} title
 * @property {string} [description]
 * @property {{ x: number, y: number, w: number, h: number }} gridPos
 * @property {{ type: string, uid: string }} [datasource]
 * @property {{ refId: string, expr: string, datasource?: { uid: string } }[]} [targets]
 */

/**
 * @typedef {object} Dashboard
 * @property {string} uid
 * @property {string} title
 * @property {number} schemaVersion
 * @property {{ list: { name: string, type: string, query?: unknown, definition?: string }[] }} templating
 * @property {Panel[]} panels
 */

/**
 * What is wrong with the alerts: each needs a severity, its texts, a runbook with its own heading, and tests of a case that
 * fires and of one that does not.
 * @param {string} alerts
 * @param {string} runbook `docs/production.md`
 * @param {string} tests
 * @returns {string[]}
 */
export function alertProblems(alerts, runbook, tests) {
  const cases = tests.split(/^ {2}- name: /m).slice(1)
  const rules = alerts.split(/^ +- alert: /m).slice(1)
  if (rules.length === 0) return ['there are no alerts']
  return rules.flatMap((rule) => {
    const [, name = '?'] = /^(\S+)/.exec(rule) ?? []
    const own = cases.filter((one) => new RegExp(`^['"]?${name}\\b`).test(one))
    const anchor = `docs/production.md#${name.toLowerCase()}`
    /** @type {[boolean, string][]} */
    const needs = [
      [/^ +severity: (page|ticket|warn)$/m.test(rule), 'no severity'],
      [/^ +summary: \S/m.test(rule), 'no summary'],
      [/^ +description: \S/m.test(rule), 'no description'],
      [rule.includes(`runbook_url: ${anchor}\n`), `its runbook_url is not ${anchor}`],
      [new RegExp(`^### ${name}$`, 'm').test(runbook), 'no heading in docs/production.md'],
      [own.some((one) => one.includes(`alertname="${name}"`)), 'no test of a case that fires'],
      [own.some((one) => one.includes('exp_samples: []')), 'no test of a case that does not fire'],
    ]
    return needs.filter(([isMet]) => !isMet).map(([, problem]) => `${name}: ${problem}`)
  })
}

/**
 * What is wrong with a dashboard that Grafana would show without a word, or refuse.
 * @param {Dashboard} dashboard
 * @returns {string[]}
 */
export function dashboardProblems({ uid, title, schemaVersion, templating, panels }) {
  /** @type {string[]} */
  const problems = []
  if (!uid || !title || !(schemaVersion >= 30)) problems.push('no uid, title or recent schemaVersion')
  if (!templating.list.some(({ type, query }) => type === 'datasource' && query === 'prometheus'))
    problems.push('the datasource is no variable')
  const ids = new Set(panels.map(({ id }) => id))
  if (ids.size !== panels.length) problems.push('two panels have one id')
  for (const [index, panel] of panels.entries()) {
    const { x, y, w, h } = panel.gridPos
    const overlapped = panels
      .slice(index + 1)
      .filter(({ gridPos: to }) => x < to.x + to.w && to.x < x + w && y < to.y + to.h && to.y < y + h)
    for (const other of overlapped) problems.push(`${panel.title} lies on ${other.title}`)
    if (x < 0 || x + w > 24) problems.push(`${panel.title} is wider than the page`)
    if (panel.type === 'row') continue
    if (!panel.title || !panel.description) problems.push(`panel ${panel.id} has no title or description`)
    if (panel.datasource?.uid !== '${datasource}') problems.push(`${panel.title}: another datasource`)
    const targets = panel.targets ?? []
    const refs = new Set(targets.map(({ refId }) => refId))
    if (targets.length === 0 || refs.size !== targets.length)
      problems.push(`${panel.title}: no targets, or two of one refId`)
  }
  return problems
}

/**
 * The queries of a dashboard, and of its variables.
 * @param {Dashboard} dashboard
 */
export function queriesOf({ panels, templating }) {
  const targets = panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ refId, expr }) => ({ title: `${title} (${refId})`, expr })),
  )
  const variables = templating.list.flatMap(({ name, definition }) => {
    const [, expr] = /^label_values\((.+), *\w+\)$/.exec(definition ?? '') ?? []
    return expr === undefined ? [] : [{ title: `variable ${name}`, expr }]
  })
  return [...targets, ...variables]
}

/**
 * A query as Grafana sends it, with `All` chosen.
 * @param {string} expr
 */
export function filledIn(expr) {
  return expr
    .replaceAll('$__rate_interval', '10s')
    .replaceAll('$__range', '1m')
    .replaceAll(/\$(job|model)\b/g, '.*')
}
