/** The tests of one package, as Stryker runs them for each mutant: only what is quick. See docs/mutation.md. */
import { fileURLToPath } from 'node:url'
import { defineConfig, mergeConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export default mergeConfig(
  base,
  defineConfig({
    root,
    resolve: {
      alias: [
        // The links in node_modules lead out of Stryker's copy, to sources without mutants.
        { find: /^@breakwater\/(.+)$/, replacement: `${root}packages/$1/src/index.ts` },
        {
          find: /^@anthropic-ai\/(?:bedrock|foundry|vertex)-sdk$/,
          replacement: `${root}scripts/mutation/no-clouds.mjs`,
        },
      ],
    },
    plugins: [fewerRuns()],
    test: {
      include: ['packages/*/src/**/*.test.ts'],
      // Real sockets and clouds are slow, and what runs all tests again on an older library finds the same.
      exclude: ['**/{http,clouds,*-lowest}.test.ts'],
      setupFiles: ['scripts/mutation/setup.mjs'],
      // Each file in a thread of its own would load the SDK again.
      isolate: false,
      testTimeout: 4_000,
      reporters: [],
    },
  }),
)

/**
 * Property tests that ask for many runs get 20, and megabytes come in long lines: every statement counts what it is worth.
 * @returns {import('vitest/config').Plugin}
 */
function fewerRuns() {
  return {
    name: 'fewer-runs',
    enforce: 'pre',
    transform: (code, id) =>
      id.endsWith('.test.ts')
        ? code
            .replaceAll(/numRuns: [\d_]{2,}/g, 'numRuns: 20')
            .replaceAll("'data: x\\n'.repeat(100_000)", "`data: ${'x'.repeat(199)}\\n`.repeat(1_000)")
        : undefined,
  }
}
