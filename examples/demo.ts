/** What Breakwater makes of an API that fails, in three scenes over real HTTP. Run it with `npm run demo`. */
import { everyFailure } from './scenes/every-failure.ts'
import { overloadedStreams } from './scenes/overloaded-streams.ts'
import { primaryDown } from './scenes/primary-down.ts'

for (const scene of [everyFailure, primaryDown, overloadedStreams]) {
  if (!(await scene())) process.exitCode = 1
}
