/**
 * @typedef {object} StepResult What a step of the check counted.
 * @property {number} passed
 * @property {number} failed
 * @property {number} [skipped]
 * @property {string[]} [notes] Lines to print under the heading, failures first.
 */

/**
 * @typedef {object} VitestReport The part of vitest's JSON report that counts.
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 * @property {{ status: string, assertionResults: { status: string }[] }[]} testResults
 */

/**
 * The counts of one vitest run. A file that failed without a failed test (it did not load) is one failure; so
 * is a run that failed, wrote no report or ran nothing, when nothing else says that it failed.
 * @param {VitestReport | undefined} report
 * @param {number} exitCode
 * @returns {StepResult}
 */
export function countVitest(report, exitCode) {
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 }
  const crashed = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length
  const passed = report.numPassedTests
  const failed = report.numFailedTests + crashed
  const silent = failed === 0 && (exitCode !== 0 || passed === 0)
  return { passed, failed: silent ? 1 : failed, skipped: report.numPendingTests + report.numTodoTests }
}

/**
 * Adds up results.
 * @param {readonly StepResult[]} results
 * @returns {Required<StepResult>}
 */
export function sum(results) {
  const total = { passed: 0, failed: 0, skipped: 0, notes: /** @type {string[]} */ ([]) }
  for (const result of results) {
    total.passed += result.passed
    total.failed += result.failed
    total.skipped += result.skipped ?? 0
    total.notes.push(...(result.notes ?? []))
  }
  return total
}

/**
 * One check that passed when it has no problems.
 * @param {readonly string[]} problems
 * @returns {StepResult}
 */
export function single(problems) {
  return problems.length === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1, notes: [...problems] }
}

/**
 * `12 passed, 1 failed`, and `, 3 skipped` when there are any.
 * @param {StepResult} result
 */
export function counts({ passed, failed, skipped = 0 }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
