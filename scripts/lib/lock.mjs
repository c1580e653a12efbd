import { createHash } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { root } from './workspace.mjs'

const file = join(tmpdir(), `breakwater-${createHash('sha256').update(root).digest('hex').slice(0, 12)}.lock`)

/** Waits until no other check runs in this checkout: two would write over each other's results. */
export async function lock() {
  for (let told = false; !take(); told = true) {
    if (!told) console.log('Another check runs in this checkout; waiting for its end.')
    await sleep(500)
  }
  process.on('exit', () => rmSync(file, { force: true }))
}

/** Takes the lock, unless a living process holds it. */
function take() {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' })
    return true
  } catch {
    if (!isHeld()) rmSync(file, { force: true })
    return false
  }
}

function isHeld() {
  try {
    const holder = Number(readFileSync(file, 'utf8'))
    // An empty file is one that is being written.
    return holder === 0 || process.kill(holder, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
