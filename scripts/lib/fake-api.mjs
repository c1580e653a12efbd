import { spawn } from 'node:child_process'
import { childEnv } from './exec.mjs'

/** A program that starts the fake API of the installed testkit and prints its address. */
const program = `
import { createFakeAnthropic } from '@breakwater/testkit'
const api = await createFakeAnthropic()
console.log('listening ' + api.url)
// Ends with the process that started it, however that ends.
process.stdin.resume().on('end', () => process.exit())
`

/**
 * Starts the fake API of the testkit that is installed in a project, in a process of its own.
 * @param {string} dir
 * @returns {Promise<{ url: string, error: string, close: () => void }>}
 */
export function startFakeApi(dir) {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: dir,
    env: childEnv(),
  })
  const close = () => void child.kill('SIGKILL')
  process.on('exit', close)
  let output = ''
  return new Promise((resolve) => {
    const give = (/** @type {string} */ url, error = '') => {
      clearTimeout(timer)
      resolve({ url, error, close })
    }
    const fail = () => give('', `the packed testkit did not start a fake API\n${output}`)
    const timer = setTimeout(fail, 20_000)
    child.on('error', fail).on('exit', fail)
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text
        const url = /^listening (http\S+)$/m.exec(output)?.[1]
        if (url !== undefined) give(url)
      })
    }
  })
}
