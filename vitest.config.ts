import { defineConfig } from 'vitest/config'

/** Tests run from the sources, beside which they stand: nothing has to be built first. */
export default defineConfig({
  resolve: { conditions: ['@breakwater/source', 'node', 'import', 'default'] },
  ssr: { resolve: { conditions: ['@breakwater/source', 'node', 'import', 'default'] } },
  test: {
    // In a package its sources; at the root the scripts.
    include: ['src/**/*.test.ts', 'scripts/**/*.test.mjs'],
    reporters: ['default', ['json', { outputFile: '.results/vitest.json' }]],
    restoreMocks: true,
    unstubGlobals: true,
    unstubEnvs: true,
  },
})
