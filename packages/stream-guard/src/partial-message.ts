import { partialBlock, type Block, type PartialBlock } from './block.ts'
import { isRecord, type JsonRecord } from './records.ts'

/** A message so far: the fields of the API's message, as far as they have come. */
export type PartialMessage = JsonRecord & { readonly content: readonly PartialBlock[] }

/** Puts a message together from its `message_start`, with what `message_delta` has changed, and its blocks. */
export function partialMessage(message: JsonRecord, blocks: Iterable<Block>): PartialMessage {
  const given: readonly PartialBlock[] = Array.isArray(message['content']) ? message['content'] : []
  return { ...message, content: [...given, ...[...blocks].map(partialBlock)] }
}

/** A message with what a `message_delta` changes: counts of usage are totals, and those that it leaves out stay. */
export function withMessageDelta(message: JsonRecord, event: JsonRecord): JsonRecord {
  const { type: _, delta, usage, ...others } = event
  const { container, ...changes } = isRecord(delta) ? delta : {}
  return {
    ...message,
    ...present({ ...others, container }),
    ...changes,
    usage: { ...(isRecord(message['usage']) && message['usage']), ...(isRecord(usage) && present(usage)) },
  }
}

function present(record: JsonRecord): JsonRecord {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value != null))
}
