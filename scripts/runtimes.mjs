/** The packed packages on every runtime: `npm run test:runtimes`. The last line is `N passed, N failed`. */
import { build } from './lib/build.mjs'
import { install } from './lib/install.mjs'
import { lock } from './lib/lock.mjs'
import { packAll } from './lib/pack.mjs'
import { counts } from './lib/results.mjs'
import { runRuntimes } from './steps/runtimes.mjs'

await lock()
for (const prepare of [install, build]) {
  const { code, output } = await prepare()
  if (code !== 0) {
    console.log(output.trimEnd())
    console.log('0 passed, 1 failed')
    process.exit(1)
  }
}
const result = await runRuntimes(await packAll())
for (const note of result.notes ?? []) console.log(note)
console.log(counts(result))
process.exitCode = result.failed > 0 || result.passed === 0 ? 1 : 0
