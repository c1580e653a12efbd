import { parseArgs, type ParseArgsConfig } from 'node:util'

/** What a command was called with. Ends the process for `--help`, and for an option that there is not. */
export function argumentsOf<Config extends ParseArgsConfig>(
  config: Config,
  usage: string,
): ReturnType<typeof parseArgs<Config>> {
  if (process.argv.includes('--help')) {
    console.log(usage)
    process.exit(0)
  }
  try {
    return parseArgs(config)
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error), usage)
  }
}

/** A whole number from an option, `least` or more; ends the process for anything else. */
export function wholeNumber(option: string, text: string, usage: string, least = 1): number {
  const value = Number(text)
  const isFit = text.trim() !== '' && Number.isSafeInteger(value) && value >= least
  return isFit ? value : refuse(`${option} is a whole number, ${least} or more, not ${text}`, usage)
}

/** Ends the process: it was called in a way that makes no sense. */
export function refuse(reason: string, usage: string): never {
  console.error(`${reason}\n\n${usage}`)
  process.exit(2)
}
