/**
 * What Breakwater makes of an API that fails, over real HTTP. `npm run demo` plays a storm to it and to the handler of an
 * article, side by side; `npm run demo -- failures`, `primary-down` and `streams` are scenes of their own.
 */
import { parseArgs } from 'node:util'
import { live } from './demo/live.ts'
import { everyFailure } from './scenes/every-failure.ts'
import { overloadedStreams } from './scenes/overloaded-streams.ts'
import { primaryDown } from './scenes/primary-down.ts'

const usage = `usage: npm run demo -- [storm] [--seconds 30] [--plain] [--report .results/demo/report.html]
       npm run demo -- failures | primary-down | streams`

const scenes: Readonly<Record<string, () => Promise<boolean>>> = {
  failures: everyFailure,
  'primary-down': primaryDown,
  streams: overloadedStreams,
}

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  const { name, seconds, plain, report, help } = optionsOf(args)
  const scene = Object.hasOwn(scenes, name) ? scenes[name] : undefined
  if (help || (name !== 'storm' && scene === undefined) || !(seconds >= 3 && seconds <= 600)) {
    console.error(usage)
    return help ? 0 : 2
  }
  const isGood = await (scene?.() ?? live({ seconds, isPlain: plain, report }))
  return isGood ? 0 : 1
}

/** What was asked for; what cannot be understood asks for help. */
function optionsOf(args: readonly string[]): Options {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        seconds: { type: 'string', default: '30' },
        plain: { type: 'boolean', default: false },
        report: { type: 'string', default: '.results/demo/report.html' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    return { ...values, name: positionals.join(' ') || 'storm', seconds: Number(values.seconds) }
  } catch {
    return { name: '', seconds: 0, plain: false, report: '', help: false }
  }
}

interface Options {
  readonly name: string
  readonly seconds: number
  readonly plain: boolean
  readonly report: string
  readonly help: boolean
}
