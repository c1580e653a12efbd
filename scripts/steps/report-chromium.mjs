import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../lib/exec.mjs'
import { root } from '../lib/workspace.mjs'

/**
 * @typedef {{ executable: string, env: Record<string, string> }} Chromium
 * @typedef {import('../../examples/node_modules/playwright-core/index.js').Browser} Browser
 * @typedef {typeof import('../../examples/node_modules/playwright-core/index.js')} Playwright
 */

const names = [
  'chromium',
  'chromium-browser',
  'google-chrome-stable',
  'google-chrome',
  'chromium-headless-shell',
]
const cache = join(root, 'node_modules', '.cache', 'breakwater-chromium')
const shell = join(cache, 'usr', 'lib', 'chromium', 'chromium-headless-shell')

/**
 * A Chromium: one of the PATH, the one that an earlier run has fetched, or Debian's package with all that it needs and
 * this machine lacks, which needs no root to be unpacked.
 * @returns {Promise<Chromium | { missing: string }>}
 */
export async function findChromium() {
  for (const executable of names) {
    if (await isChromium({ executable, env: {} })) return { executable: await pathOf(executable), env: {} }
  }
  if (await isChromium(unpacked())) return unpacked()
  const problem = await fetchPackages()
  if (problem !== '') return { missing: problem }
  return (await isChromium(unpacked())) ? unpacked() : { missing: 'the unpacked Chromium does not start' }
}

/** A browser that asks nobody for anything. */
const quietly = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/**
 * Starts it without a window, in an empty home of its own.
 * @param {Chromium} chromium
 * @returns {Promise<{ browser: Browser, close: () => Promise<void> }>}
 */
export async function launch({ executable, env }) {
  const require = createRequire(join(root, 'examples', 'package.json'))
  const { chromium } = /** @type {Playwright} */ (require('playwright-core'))
  const home = mkdtempSync(join(tmpdir(), 'breakwater-report-'))
  const browser = await chromium.launch({
    executablePath: executable,
    headless: true,
    args: quietly,
    env: { PATH: process.env['PATH'] ?? '', HOME: home, ...env },
  })
  return {
    browser,
    async close() {
      await browser.close()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** @param {Chromium} chromium */
async function isChromium({ executable, env }) {
  const { code, output } = await run(executable, ['--version'], { env, timeoutMs: 20_000 })
  return code === 0 && /\d+\.\d+/.test(output)
}

/** @param {string} name */
async function pathOf(name) {
  const { output } = await run('sh', ['-c', `command -v ${name}`])
  return output.trim()
}

/** @returns {Chromium} */
function unpacked() {
  const lib = join(cache, 'usr', 'lib')
  const own = existsSync(lib) ? readdirSync(lib).filter((name) => name.endsWith('-linux-gnu')) : []
  const folders = [...own.flatMap((name) => [join(lib, name), join(lib, name, 'pulseaudio')]), lib]
  return {
    executable: shell,
    env: {
      LD_LIBRARY_PATH: folders.join(':'),
      // Where the machine has no fonts, those of the package.
      ...(existsSync('/etc/fonts/fonts.conf') ? {} : { FONTCONFIG_SYSROOT: cache }),
    },
  }
}

/** @returns {Promise<string>} What went wrong, or nothing. */
async function fetchPackages() {
  mkdirSync(cache, { recursive: true })
  const wanted = ['chromium-headless-shell', 'fontconfig-config', 'fonts-dejavu-core']
  // What an install would add: nothing is installed.
  const plan = await run('apt-get', ['-s', 'install', '--no-install-recommends', ...wanted])
  const packages = [...plan.output.matchAll(/^Inst (\S+)/gm)].map(([, name = '']) => name)
  if (plan.code !== 0 || packages.length === 0)
    return `apt-get -s install ${wanted[0]}: ${plan.output.trim().split('\n').at(-1)}`
  const download = ['-o', 'APT::Sandbox::User=root', 'download', ...packages]
  const { code, output } = await run('apt-get', download, { cwd: cache, timeoutMs: 180_000 })
  if (code !== 0) return `apt-get download: ${output.trim().split('\n').at(-1)}`
  for (const file of readdirSync(cache).filter((name) => name.endsWith('.deb'))) {
    const result = await run('dpkg-deb', ['-x', file, '.'], { cwd: cache })
    rmSync(join(cache, file), { force: true })
    if (result.code !== 0) return `dpkg-deb -x ${file}: ${result.output.trim()}`
  }
  return existsSync(shell) ? '' : 'the package has no chromium-headless-shell'
}
