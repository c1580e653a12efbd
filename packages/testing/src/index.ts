export { clouds, fromWire, type CloudClient, type CloudParts } from './clouds.ts'
export { eventStreamType, toEventStream } from './event-stream.ts'
export { plainLimiter, type PlainLimiter } from './hold.ts'
export { params, recordingLogger, seams, type SeamParts } from './seams.ts'
