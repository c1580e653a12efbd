import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { run } from '../lib/exec.mjs'
import { single, sum } from '../lib/results.mjs'
import { root } from '../lib/workspace.mjs'
import { findChromium, launch } from './report-chromium.mjs'
import { inspectPage, staticProblems } from './report-page.mjs'

/**
 * @typedef {import('../lib/results.mjs').StepResult} StepResult
 * @typedef {import('./report-chromium.mjs').Browser} Browser
 * @typedef {{ name: string, path: string }} Page
 */

const results = join(root, '.results', 'report')
const schemes = /** @type {const} */ (['light', 'dark'])
const widths = [360, 700, 1440]
/** The live storm, in less than its 30 seconds. */
const seconds = '8'

/**
 * Plays the live demo, then looks at its page and at that of the storms: as files, and in a browser.
 * @returns {Promise<StepResult>}
 */
export async function checkReports() {
  rmSync(results, { recursive: true, force: true })
  mkdirSync(results, { recursive: true })
  const demo = { name: 'demo', path: join(results, 'demo.html') }
  const storms = { name: 'storms', path: join(results, 'storms.html') }
  const args = ['--plain', '--seconds', seconds, '--report', demo.path]
  const { code, output } = await run('node', [join(root, 'examples', 'dist', 'demo.js'), ...args], {
    timeoutMs: 60_000,
  })
  const played = single(code === 0 ? [] : [`the demo ended with ${code}`, output.trimEnd()])
  writeFileSync(storms.path, await stormsPage())
  const pages = code === 0 ? [demo, storms] : [storms]
  const files = pages.map(({ name, path }) =>
    single(staticProblems(readFileSync(path, 'utf8')).map((problem) => `${name}: ${problem}`)),
  )
  return sum([played, ...files, await inBrowser(pages)])
}

/** The page of the storms, of a few made-up ones: the real ones take minutes. */
async function stormsPage() {
  const { renderPage, stormPage } = await import(
    pathToFileURL(join(root, 'packages', 'report', 'dist', 'index.js')).href
  )
  const contenders = ['SDK', 'SDK, 8 retries', 'safe_call', 'breakwater', 'p-retry']
  const scenes = [
    { name: 'outage', about: 'Five minutes without an answer.', fault: { fromMs: 60_000, toMs: 360_000 } },
    { name: 'spend-limit', about: 'A limit that lasts.', fault: null },
  ]
  return renderPage(
    stormPage({
      seed: 1,
      node: process.version,
      scenes,
      contenders: contenders.map((name) => ({
        name,
        note: `set up with \`care\` & a <budget>`,
        isOurs: name === 'breakwater',
      })),
      goals: [{ goal: 'at most 1.2 requests a call', measured: 'outage 1.00', isMet: true }],
      results: scenes.flatMap((scene) =>
        contenders.map((contender, index) => ({
          scene: scene.name,
          contender,
          answered: 900 - index,
          answeredShare: 0.9 - index / 1000,
          upstreamPerAnswered: index === 0 ? null : 1 + index / 10,
          upstreamPerCall: 1 + index / 10,
          p50Ms: 250,
          p99Ms: index === 0 ? null : 1250 * index,
          totalMs: 480_000,
          wastedTokens: 12_345 * index,
          timeline: { requests: Array.from({ length: 480 }, (_, second) => (second * (index + 3)) % 50) },
        })),
      ),
    }),
  )
}

/**
 * Opens each page in light and dark, narrow and wide.
 * @param {readonly Page[]} pages
 * @returns {Promise<StepResult>}
 */
async function inBrowser(pages) {
  const looks = pages.flatMap((page) =>
    schemes.flatMap((scheme) => widths.map((width) => ({ page, scheme, width }))),
  )
  const found = await findChromium()
  if ('missing' in found) {
    const notes = [`no Chromium, so no browser has seen the reports: ${found.missing}`]
    return { passed: 0, failed: 0, skipped: looks.length, notes }
  }
  const { browser, close } = await launch(found)
  try {
    /** @type {StepResult[]} */
    const all = []
    for (const { page, scheme, width } of looks) {
      const problems = await look(browser, page, scheme, width)
      all.push(single(problems.map((problem) => `${page.name}, ${scheme}, ${width} px: ${problem}`)))
    }
    return sum(all)
  } finally {
    await close()
  }
}

/**
 * @param {Browser} browser
 * @param {Page} page
 * @param {'light' | 'dark'} colorScheme
 * @param {number} width
 * @returns {Promise<string[]>} What is wrong.
 */
async function look(browser, { name, path }, colorScheme, width) {
  /** @type {string[]} */
  const problems = []
  const url = pathToFileURL(path).href
  const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } })
  page.on('console', (message) => problems.push(`the console says ${message.text()}`))
  page.on('pageerror', (error) => problems.push(`error ${error.message}`))
  page.on('request', (request) => {
    if (request.url() !== url && !request.url().startsWith('data:'))
      problems.push(`it asks for ${request.url()}`)
  })
  await page.goto(url)
  problems.push(...(await page.evaluate(inspectPage)))
  const clip = { x: 0, y: 0, width, height: 2000 }
  await page.screenshot({ path: join(results, `${name}-${colorScheme}-${width}.png`), fullPage: true, clip })
  // The tables are wider than a narrow page, and scroll by themselves.
  await page.evaluate(() => document.querySelectorAll('details').forEach((details) => (details.open = true)))
  problems.push(...(await page.evaluate(inspectPage)).map((problem) => `with its tables open: ${problem}`))
  await page.close()
  return problems
}
