/**
 * `node scripts/docs-images.mjs <page.html> <name>`: the pictures of a report in docs/images, as `<name>-light.png` and so on.
 */
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './lib/workspace.mjs'
import { findChromium, launch } from './steps/report-chromium.mjs'

const pictures = /** @type {const} */ ([
  { as: 'light', colorScheme: 'light', width: 1120, height: 1560 },
  { as: 'dark', colorScheme: 'dark', width: 1120, height: 1560 },
  { as: 'narrow', colorScheme: 'dark', width: 360, height: 2000 },
])

const [path, name] = process.argv.slice(2)
const found = await findChromium()
if (path === undefined || name === undefined || 'missing' in found) {
  console.error('missing' in found ? found.missing : 'usage: node scripts/docs-images.mjs <page.html> <name>')
  process.exitCode = 2
} else {
  const { browser, close } = await launch(found)
  for (const { as, colorScheme, width, height } of pictures) {
    const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } })
    await page.goto(pathToFileURL(resolve(path)).href)
    const file = join(root, 'docs', 'images', `${name}-${as}.png`)
    await page.screenshot({ path: file, fullPage: true, clip: { x: 0, y: 0, width, height } })
  }
  await close()
}
