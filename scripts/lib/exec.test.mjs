import { describe, expect, it } from 'vitest'
import { childEnv, mapLimit, run } from './exec.mjs'

const node = (/** @type {string} */ code, options = {}) => run(process.execPath, ['--eval', code], options)

describe('run', () => {
  it('gives exit code and output of both streams', async () => {
    const result = await node('console.log(1); console.error(2); process.exit(3)')
    expect(result.code).toBe(3)
    expect(result.output.split('\n').toSorted().join('')).toBe('12')
  })

  it('fails, without rejecting, for a command that does not exist', async () => {
    expect(await run('breakwater-no-such-command', [])).toMatchObject({ code: 1 })
  })

  it('kills a command that does not end, with what it started', async () => {
    const code =
      "require('node:child_process').spawnSync(process.execPath, ['-e', 'setInterval(() => {}, 9)'])"
    const result = await node(code, { timeoutMs: 300 })
    expect(result.code).not.toBe(0)
    expect(result.output).toContain('no end after 0.3 s')
  })

  it('gives the command no stdin', async () => {
    expect(await node("process.stdin.resume().on('end', () => console.log('end'))")).toMatchObject({
      code: 0,
    })
  })
})

describe('childEnv', () => {
  it('leaves out what could cost money or hide output, and puts our tools first', () => {
    const env = childEnv({
      ANTHROPIC_API_KEY: 'x',
      anthropic_base_url: 'x',
      npm_config_loglevel: 'silent',
      KEEP: '1',
      PATH: '/p',
    })
    expect(Object.keys(env).filter((key) => /anthropic|loglevel/i.test(key))).toEqual([])
    expect(env).toMatchObject({ KEEP: '1', TURBO_TELEMETRY_DISABLED: '1' })
    expect(env.PATH).toMatch(/\.bin.\/p$/)
  })
})

describe('mapLimit', () => {
  it('keeps the order and the limit', async () => {
    let now = 0
    let most = 0
    const results = await mapLimit([3, 2, 1, 0], 2, async (value) => {
      most = Math.max(most, ++now)
      await new Promise((resolve) => setImmediate(resolve))
      now--
      return value * 2
    })
    expect(results).toEqual([6, 4, 2, 0])
    expect(most).toBe(2)
  })
})
