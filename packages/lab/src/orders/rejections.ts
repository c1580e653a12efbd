import process from 'node:process'

/** Counts the rejections that nobody handles, until it is stopped. */
export function rejections(): { stop(): number } {
  let count = 0
  const note = (): void => void count++
  process.on('unhandledRejection', note)
  return {
    stop() {
      process.off('unhandledRejection', note)
      return count
    },
  }
}
