import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jsonErrorPosition } from './json-error.ts'
import { runCli } from './run-cli.ts'
import { params } from './testing/transports.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'testkit-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

interface Run {
  lines: string[]
  errors: string[]
  code: Promise<number>
  stop: () => void
}

function run(...argv: string[]): Run {
  const control = new AbortController()
  const lines: string[] = []
  const errors: string[] = []
  const io = {
    out: (line: string) => lines.push(line),
    err: (line: string) => errors.push(line),
    signal: control.signal,
  }
  return { lines, errors, code: runCli(argv, io), stop: () => control.abort() }
}

async function send(cli: Run, body: object = params): Promise<Response> {
  await expect.poll(() => cli.lines.length).toBeGreaterThanOrEqual(3)
  const url = cli.lines[1]?.replace('export ANTHROPIC_BASE_URL=', '')
  return fetch(`${url}/v1/messages`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'x-api-key': 'secret' },
  })
}

describe('runCli', () => {
  it('serves a list and says so, without headers or bodies', async () => {
    const cli = run(await file('list.json', '[529, { "text": "hello" }]'))
    expect((await send(cli)).status).toBe(529)
    expect(await (await send(cli, { ...params, stream: true })).text()).toContain('hello')
    cli.stop()
    expect(await cli.code).toBe(0)
    const url = cli.lines[0]?.replace('Fake Anthropic API on ', '')
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(cli.lines.slice(1)).toEqual([
      `export ANTHROPIC_BASE_URL=${url}`,
      'export ANTHROPIC_API_KEY=test',
      '#0 POST /v1/messages claude-haiku-5-5 -> 529 overloaded_error',
      '#1 POST /v1/messages claude-haiku-5-5 stream -> 200',
    ])
    await expect(fetch(`${url}/v1/models`)).rejects.toThrow('fetch failed')
  })

  it('serves an object, a module, and nothing', async () => {
    const object = run(
      await file('object.json', '{"script":[418],"dynamics":{"keys":["secret"]},"seed":4}'),
      '--quiet',
    )
    expect((await send(object)).status).toBe(418)
    const module = run(
      await file('script.mjs', 'export default { script: ({ model }) => ({ text: model }) }'),
    )
    expect((await (await send(module)).json()).content[0].text).toBe(params.model)
    const none = run('--host', 'localhost', '--port', '0')
    expect((await send(none)).status).toBe(200)
    for (const cli of [object, module, none]) {
      cli.stop()
      expect(await cli.code).toBe(0)
      expect(cli.errors).toEqual([])
    }
    expect(object.lines).toHaveLength(3)
  })

  it('gives the same ids for the same seed', async () => {
    const ids: unknown[] = []
    for (const seed of ['7', '7', '8']) {
      const cli = run('--seed', seed)
      ids.push((await send(cli)).headers.get('request-id'))
      cli.stop()
      await cli.code
    }
    expect(ids[0]).toBe(ids[1])
    expect(ids[0]).not.toBe(ids[2])
  })

  it('prints its help', async () => {
    const cli = run('--help')
    expect(await cli.code).toBe(0)
    expect(cli.lines[0]).toMatch(/^Usage: testkit \[script\.json\] \[options\]/)
  })

  it.each([
    ['[529,\n  oops]', /bad\.json:2:3 is not JSON: /],
    ['[529', /bad\.json:1:5 is not JSON: /],
    ['[{"txt": 1}]', /^testkit: Unknown field `script\[0\]\.txt`; known are /],
    ['"x"', /^testkit: Expected `script` to be a list or a function, got "x"\.$/],
    ['{"sript": []}', /^testkit: Unknown field `sript`; known are script, dynamics, seed, /],
  ])('explains what is wrong with %j', async (text, message) => {
    const cli = run(await file('bad.json', text))
    expect(await cli.code).toBe(1)
    expect(cli.errors[0]).toMatch(message)
  })

  it.each([
    [['none.json'], 'testkit: There is no file none.json.'],
    [['--port', 'x'], 'testkit: Expected `--port` to be a whole number, got x.'],
    [['--port', '70000'], 'testkit: Expected `port` to be an integer between 0 and 65535, got 70000.'],
    [['a.json', 'b.json'], 'testkit: Expected one script, got also b.json.'],
    [['--prot', '1'], /^testkit: Unknown option '--prot'/],
  ])('explains what is wrong with %j', async (argv, message) => {
    const cli = run(...argv)
    expect(await cli.code).toBe(1)
    expect(cli.errors[0]).toMatch(message)
  })
})

describe('jsonErrorPosition', () => {
  it.each([
    ['{"a": [1, -2.5e3, "x\\u00e9\\n", true, null, {}, []]} \n', undefined],
    ['', { line: 1, column: 1 }],
    ['{"a" 1}', { line: 1, column: 6 }],
    ['[1,\n2,\n]', { line: 3, column: 1 }],
    ['{"a": 1,}', { line: 1, column: 9 }],
    ['[1] 2', { line: 1, column: 5 }],
    ['["a\nb"]', { line: 1, column: 2 }],
  ])('finds the error of %j', (text, position) => {
    expect(jsonErrorPosition(text)).toEqual(position)
  })
})
