import { behaviourCases, stackCases } from '../behaviour-cases.ts'
import { bodyCases } from '../body-cases.ts'
import { closedCases, openCases } from '../breaker-cases.ts'
import type { Case } from '../call-parts.ts'
import { foundationCases, foundationFetchCases } from '../foundation-cases.ts'
import { createCases, createFetchCases, fetchCases, middlewareCases } from '../seam-cases.ts'
import { streamCases, transcript, type Transcript } from '../stream-cases.ts'

/** A stream with an event in each chunk, and one in chunks of 120 events. */
export const byEvent: Transcript = transcript(2_000, 12, 1)
export const inBulk: Transcript = transcript(12_000, 400, 120)

/** Cases that are compared with each other. */
export type CaseSet =
  | 'stacks'
  | 'parts'
  | 'foundation'
  | 'foundationFetch'
  | 'closed'
  | 'open'
  | 'middleware'
  | 'fetch'
  | 'create'
  | 'createFetch'
  | 'bodies'
  | 'streamByEvent'
  | 'streamInBulk'

/** Makes all cases of a set, with requests of about so many bytes. */
export const caseSets: Readonly<Record<CaseSet, (bytes: number) => Case[] | Promise<Case[]>>> = {
  stacks: stackCases,
  parts: behaviourCases,
  foundation: foundationCases,
  foundationFetch: foundationFetchCases,
  closed: closedCases,
  open: openCases,
  middleware: middlewareCases,
  fetch: fetchCases,
  create: createCases,
  createFetch: createFetchCases,
  bodies: bodyCases,
  streamByEvent: () => reading(byEvent),
  streamInBulk: () => reading(inBulk),
}

function reading(stream: Transcript): Case[] {
  return streamCases().map(({ name, read }) => ({ name, call: () => read(stream) }))
}
