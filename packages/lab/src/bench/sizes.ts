import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown, type Plugin } from 'rolldown'

/** What of a package is in a bundle: its own files, those of Breakwater, or all that it needs. */
export type Reach = 'own' | 'ours' | 'all'

/** What a bundle weighs. */
export interface Weight {
  /** Minified, in bytes. */
  readonly bytes: number
  /** That compressed by gzip at its best, in bytes. */
  readonly gzipped: number
}

/** Every published package that runs in an application, the foundation first. */
export const published = [
  'core',
  'classify',
  'timeout',
  'stream-guard',
  'jitter-retry',
  'rate-limit',
  'circuit-breaker',
  'model-failover',
  'otel',
  'breakwater',
] as const

/** The name of one of them. */
export type Published = (typeof published)[number]

const packages = new URL('../../../', import.meta.url)

/** Bundles all that a package exports, from its sources, and weighs it. */
export async function weigh(name: Published, reach: Reach): Promise<Weight> {
  const bundle = await rolldown({
    input: fileURLToPath(new URL(`${name}/src/index.ts`, packages)),
    platform: 'node',
    resolve: { conditionNames: ['@breakwater/source', 'import', 'node', 'default'] },
    external: (id) => !isWithin(id, reach),
    plugins: [noEffects],
    logLevel: 'silent',
  })
  const { output } = await bundle.generate({ format: 'esm', minify: true })
  await bundle.close()
  const code = output.map((chunk) => (chunk.type === 'chunk' ? chunk.code : '')).join('')
  return weightOf(code)
}

/** What a text weighs. */
export function weightOf(text: string): Weight {
  const bytes = new TextEncoder().encode(text)
  return { bytes: bytes.length, gzipped: gzipSync(bytes, { level: 9 }).length }
}

/** Whether an import belongs into a bundle; an application has the SDK and the API of OpenTelemetry itself. */
export function isWithin(id: string, reach: Reach): boolean {
  if (/^(?:\.|\/|[A-Za-z]:\\|\0)/.test(id)) return true
  if (/^(?:@breakwater\/|breakwater$)/.test(id)) return reach !== 'own'
  if (/^(?:node:|@anthropic-ai\/|@opentelemetry\/)/.test(id)) return false
  return reach === 'all'
}

/** As every manifest says: what nobody uses goes. */
const noEffects: Plugin = {
  name: 'no-effects',
  transform: () => ({ moduleSideEffects: false }),
}
