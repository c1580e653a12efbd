import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

/** Where a package of the third generation of OpenTelemetry's SDK stands in for one of the second. */
const third = (name: string, alias = name): { find: RegExp; replacement: string } => ({
  find: new RegExp(`^@opentelemetry/${name}$`),
  replacement: `opentelemetry-3-${alias}`,
})

/** The whole suite runs on both generations: API 1.9 with SDK 2.12, and API 1.10 with SDK 3. */
export default defineConfig({
  test: {
    reporters: base.test?.reporters ?? [],
    projects: [
      { ...base, test: { ...base.test, name: 'OpenTelemetry SDK 2', provide: { generation: 2 } } },
      {
        ...base,
        resolve: {
          ...base.resolve,
          alias: [
            third('api'),
            third('context-async-hooks'),
            third('core'),
            third('exporter-prometheus'),
            third('instrumentation'),
            third('instrumentation-undici'),
            third('sdk-metrics'),
            {
              find: /^@opentelemetry\/sdk-trace-base$/,
              replacement: fileURLToPath(new URL('./src/testing/sdk-trace-3.ts', import.meta.url)),
            },
          ],
        },
        test: {
          ...base.test,
          name: 'OpenTelemetry SDK 3',
          provide: { generation: 3 },
          // All that imports the API has to get the same one.
          server: { deps: { inline: [/opentelemetry/, /@anthropic-ai/] } },
        },
      },
    ],
  },
})
