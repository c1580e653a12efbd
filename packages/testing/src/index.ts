export { params, recordingLogger, seams, type SeamParts } from './seams.ts'
