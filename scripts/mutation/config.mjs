import { join } from 'node:path'

/** The packages that are mutated: the contract, the vocabulary and the behaviours. */
export const packages = [
  'core',
  'classify',
  'timeout',
  'stream-guard',
  'jitter-retry',
  'circuit-breaker',
  'model-failover',
]

/** Re-exports; all that makes up what `describe` says in words; a table that docs/errors.md repeats. */
const unmutated = '{index,describe*,description,diagram,rehearsal,categories}.ts'

/**
 * The configuration of Stryker for one package.
 * @param {string} folder
 * @param {{ root: string, tools: string, results: string, report: string }} paths
 */
export function strykerConfig(folder, { root, tools, results, report }) {
  const sources = `packages/${folder}/src`
  return {
    mutate: [
      `${sources}/**/*.ts`,
      `!${sources}/**/*.{test,d}.ts`,
      `!${sources}/testing/**`,
      `!${sources}/${unmutated}`,
    ],
    testRunner: 'vitest',
    plugins: [
      join(tools, 'node_modules', '@stryker-mutator', 'vitest-runner', 'dist', 'src', 'index.js'),
      join(root, 'scripts', 'mutation', 'ignore.mjs'),
    ],
    ignorers: ['words-and-tables'],
    vitest: { configFile: 'scripts/mutation/vitest.config.mjs', dir: `packages/${folder}`, related: false },
    // A mutant meets only the tests that reach it.
    coverageAnalysis: 'perTest',
    concurrency: 2,
    // A test that a mutant makes wait for ever fails by vitest's own time-out; this is for what never yields.
    timeoutMS: 6000,
    timeoutFactor: 2,
    incremental: true,
    incrementalFile: join(results, `${folder}.incremental.json`),
    reporters: ['clear-text', 'progress-append-only', 'json', 'html'],
    clearTextReporter: { allowColor: false, reportTests: false, reportScoreTable: false },
    jsonReporter: { fileName: report },
    htmlReporter: { fileName: join(results, `${folder}.html`) },
    allowConsoleColors: false,
    // A copy of the repository, in a folder that git ignores and that vitest does not take for a dependency.
    tempDirName: '.results/mutation/tmp',
    ignorePatterns: ['ops', 'examples', 'packages/lab', '**/dist', '.turbo', '**/.results', '**/tsconfig*'],
    disableTypeChecks: false,
  }
}
