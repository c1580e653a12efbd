import { readFile } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { isObject } from './check.ts'
import { jsonErrorPosition } from './json-error.ts'
import type { RecordedRequest } from './request.ts'
import { createFakeAnthropic, type FakeAnthropicOptions } from './server.ts'

/** What the command line program needs from its surroundings. */
export interface CliIo {
  /** Prints a line. */
  out: (line: string) => void
  /** Prints a line of an error. */
  err: (line: string) => void
  /** Ends the program when it aborts. */
  signal: AbortSignal
}

const help = `Usage: testkit [script.json] [options]

Serves a fake Anthropic API that answers as the script says. The script is a .json file, a list of replies or
an object with script, dynamics, seed and models; or a .js or .mjs file whose default export is that.
Without a script every request succeeds.

Options:
  --port <number>   port to listen on (default: a free one)
  --host <address>  address to listen on (default: 127.0.0.1)
  --seed <number>   seed of ids and choices (default: 1)
  --quiet           no line per request
  --help            this text`

/** Runs the command line program until its signal aborts; resolves with the exit code. */
export async function runCli(argv: readonly string[], { out, err, signal }: CliIo): Promise<number> {
  try {
    const { values, positionals } = parse(argv)
    if (values.help === true) {
      out(help)
      return 0
    }
    const [file, ...rest] = positionals
    if (rest.length > 0) throw new TypeError(`Expected one script, got also ${rest.join(' ')}.`)
    const options = file === undefined ? {} : await readScript(file)
    const flags: FakeAnthropicOptions = { keepProcessAlive: true }
    if (values.port !== undefined) flags.port = wholeNumber('--port', values.port)
    if (values.seed !== undefined) flags.seed = wholeNumber('--seed', values.seed)
    if (values.host !== undefined) flags.host = values.host
    if (values.quiet !== true) flags.onReply = (request) => out(requestLine(request))
    const fake = await createFakeAnthropic({ ...options, ...flags })
    out(`Fake Anthropic API on ${fake.url}`)
    out(`export ANTHROPIC_BASE_URL=${fake.url}`)
    out('export ANTHROPIC_API_KEY=test')
    await aborted(signal)
    await fake.close()
    return 0
  } catch (error) {
    err(`testkit: ${error instanceof Error ? error.message : String(error)}`)
    return 1
  }
}

/** Writes one line about a request: never a header, never a body. */
export function requestLine({ index, method, path, model, stream, reply }: RecordedRequest): string {
  const answer = [reply?.status, reply?.errorType, reply?.errorCode, reply?.fault]
  const parts = [`#${index}`, method, path, model, stream ? 'stream' : undefined, '->', ...answer]
  return parts
    .filter((part) => part !== undefined)
    .map((part) => String(part).replace(/\s+/g, ' '))
    .join(' ')
}

async function readScript(file: string): Promise<FakeAnthropicOptions> {
  const path = resolve(file)
  const isModule = ['.js', '.mjs'].includes(extname(path))
  const content: unknown = isModule ? await importScript(path) : await readJson(file, path)
  if (!isObject(content)) return { script: content as NonNullable<FakeAnthropicOptions['script']> }
  return content
}

async function importScript(path: string): Promise<unknown> {
  const module: unknown = await import(pathToFileURL(path).href)
  if (isObject(module) && 'default' in module) return module['default']
  throw new TypeError(`Expected a default export in ${path}.`)
}

async function readJson(file: string, path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    throw missing ? new TypeError(`There is no file ${file}.`) : error
  })
  try {
    return JSON.parse(text)
  } catch (error) {
    const { line, column } = jsonErrorPosition(text) ?? { line: 1, column: 1 }
    const reason = error instanceof Error ? error.message : String(error)
    throw new TypeError(`${file}:${line}:${column} is not JSON: ${reason}`, { cause: error })
  }
}

function parse(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      port: { type: 'string' },
      host: { type: 'string' },
      seed: { type: 'string' },
      quiet: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
}

function wholeNumber(flag: string, value: string): number {
  if (!/^\d+$/.test(value)) throw new TypeError(`Expected \`${flag}\` to be a whole number, got ${value}.`)
  return Number(value)
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
