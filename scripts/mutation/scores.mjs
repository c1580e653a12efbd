/**
 * @typedef {object} Score What became of the mutants of a package.
 * @property {number} mutants Those that were tried.
 * @property {number} killed A test has failed.
 * @property {number} ended The tests did not end, or an error outside of them has ended the run.
 * @property {number} survived
 * @property {number} uncovered No test reaches them.
 * @property {number} ignored
 * @property {number} score Killed and ended, in percent of all that were tried; 0 where there are none.
 *
 * @typedef {Score & { folder: string, seconds: number }} Row
 */

/**
 * @param {readonly { status: string }[]} mutants
 * @returns {Score}
 */
export function scoreOf(mutants) {
  const count = (/** @type {string[]} */ ...statuses) =>
    mutants.filter(({ status }) => statuses.includes(status)).length
  const killed = count('Killed')
  // vitest fails for an error outside of a test as well.
  const ended = count('Timeout', 'RuntimeError')
  const survived = count('Survived')
  const uncovered = count('NoCoverage')
  const tried = killed + ended + survived + uncovered
  const score = tried === 0 ? 0 : ((killed + ended) / tried) * 100
  return { mutants: tried, killed, ended, survived, uncovered, ignored: count('Ignored'), score }
}

/**
 * The rows as a table of Markdown.
 * @param {readonly Row[]} rows
 */
export function table(rows) {
  return [
    '| package | mutants | killed | ended the run | survived | not reached | score | time |',
    '| ------- | ------: | -----: | ------------: | -------: | ----------: | ----: | ---: |',
    ...rows.map(
      ({ folder, mutants, killed, ended, survived, uncovered, score, seconds }) =>
        `| ${folder} | ${mutants} | ${killed} | ${ended} | ${survived} | ${uncovered} | ${score.toFixed(1)} % | ${Math.ceil(seconds / 60)} min |`,
    ),
  ].join('\n')
}
