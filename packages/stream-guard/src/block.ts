import type { StreamEvent } from '@breakwater/core'
import { isRecord, parseJson, type JsonRecord } from './records.ts'

/** A content block, of which its beginning and what its deltas have added are kept: it is put together when asked for. */
export interface Block {
  readonly type: unknown
  readonly isTool: boolean
  /** The block as it began. */
  start: JsonRecord
  /** What the deltas have added: text, thinking, or the JSON of a tool's input. A string that is appended to is cheap. */
  added: string
  /** More of it: the insides of JSON strings as they came, in the first `rawLength` bytes. They are read when somebody needs them. */
  raw: Uint8Array
  rawLength: number
  citations: unknown[] | undefined
  /** Fields that a delta gives as a whole: a signature, a compaction. */
  fields: JsonRecord | undefined
  /** The input of a tool, once it is known to be whole. */
  input: unknown
  /** Whether all of `added` was kept. */
  isKept: boolean
}

type RawText = Pick<NonNullable<StreamEvent['text']>, 'bytes' | 'from' | 'to'>

/** The block of a message so far. */
export type PartialBlock = JsonRecord & { readonly type: string }

/** More of a tool's input is not kept for the check alone. */
export const maxInputChars = 1_048_576

const nothing = new Uint8Array()
/** To copy fewer bytes at once costs more than to copy them one by one. */
const shortBytes = 64
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

const toolTypes: ReadonlySet<unknown> = new Set(['tool_use', 'server_tool_use', 'mcp_tool_use'])

/** The field that grows, of the blocks that begin empty. */
const growing: Readonly<Record<string, string>> = {
  text: 'text',
  thinking: 'thinking',
  compaction: 'content',
  tool_use: 'input',
  server_tool_use: 'input',
  mcp_tool_use: 'input',
}

/** A block that has just begun. */
export function newBlock(start: JsonRecord): Block {
  const { type } = start
  return {
    type,
    isTool: toolTypes.has(type),
    start,
    added: '',
    raw: nothing,
    rawLength: 0,
    citations: undefined,
    fields: undefined,
    input: undefined,
    isKept: true,
  }
}

/** Whether a block says nothing at its start. Blocks of unknown types say something. */
export function beginsEmpty(start: JsonRecord): boolean {
  const field = growing[String(start['type'])]
  if (field === undefined) return false
  const value = start[field]
  return isRecord(value) ? Object.keys(value).length === 0 : value == null || value === ''
}

/** The field of a delta that adds to the text of its block; `undefined` for other deltas, and for one that does not suit the block. */
export function textField({ type, isTool }: Block, deltaType: unknown): string | undefined {
  if (deltaType === 'text_delta') return type === 'text' ? 'text' : undefined
  if (deltaType === 'thinking_delta') return type === 'thinking' ? 'thinking' : undefined
  return deltaType === 'input_json_delta' && isTool ? 'partial_json' : undefined
}

/** Adds a delta as the SDK does, which leaves out what does not suit the block; returns how many characters it has. */
export function addDelta(block: Block, delta: JsonRecord, keeps: boolean): number {
  const { type, isTool } = block
  const field = textField(block, delta['type'])
  // An input is kept in any case, as it is checked.
  if (field !== undefined)
    return addText(block, delta[field], keeps || (isTool && addedTo(block).length < maxInputChars))
  if (!keeps) return 0
  switch (delta['type']) {
    case 'citations_delta':
      if (type === 'text') (block.citations ??= []).push(delta['citation'])
      break
    case 'signature_delta':
      if (type === 'thinking') block.fields = { signature: delta['signature'] }
      break
    case 'compaction_delta':
      if (type === 'compaction') block.fields = withoutType(delta)
      break
    default:
  }
  return 0
}

/** Adds the inside of a JSON string. */
export function addRaw(block: Block, { bytes, from, to }: RawText): void {
  const { raw, rawLength } = block
  const length = rawLength + to - from
  if (length > raw.length) {
    block.raw = new Uint8Array(Math.max(2 * length, 1024))
    block.raw.set(raw.subarray(0, rawLength))
  }
  if (to - from < shortBytes)
    for (let at = from, end = rawLength; at < to; at++) block.raw[end++] = bytes[at] ?? 0
  else block.raw.set(bytes.subarray(from, to), rawLength)
  block.rawLength = length
}

/** Finds out whether the input of a tool is JSON; no input at all is an empty one. One that was not kept passes. */
export function completeInput(block: Block): boolean {
  if (!block.isKept) return true
  const added = addedTo(block)
  block.input = added === '' ? (block.start['input'] ?? {}) : parseJson(added)
  return block.input !== undefined
}

/** Forgets what the block holds. */
export function emptyBlock(block: Block): void {
  block.start = { type: block.type }
  block.added = ''
  block.raw = nothing
  block.rawLength = 0
  block.citations = undefined
  block.fields = undefined
  block.input = undefined
  block.isKept = false
}

/** The block so far, as the SDK would have it; the input of an incomplete tool call is its JSON text so far. */
export function partialBlock(from: Block): PartialBlock {
  const { type, isTool, start, citations, fields, input } = from
  const added = addedTo(from)
  const block: Record<string, unknown> & { type: string } = { ...start, type: String(type), ...fields }
  if (isTool) block['input'] = input === undefined ? added : input
  else if (type === 'text' || type === 'thinking') block[type] = String(start[type] ?? '') + added
  if (citations !== undefined) {
    const given = start['citations']
    block['citations'] = Array.isArray(given) ? [...given, ...citations] : citations
  }
  return block
}

function addText(block: Block, text: unknown, keeps: boolean): number {
  if (typeof text !== 'string') return 0
  if (!keeps) block.isKept = false
  else if (block.rawLength === 0) block.added += text
  else {
    const bytes = encoder.encode(JSON.stringify(text))
    addRaw(block, { bytes, from: 1, to: bytes.length - 1 })
  }
  return text.length
}

/** All that the deltas have added. */
function addedTo(block: Block): string {
  if (block.rawLength > 0) {
    block.added += String(JSON.parse(`"${decoder.decode(block.raw.subarray(0, block.rawLength))}"`))
    block.raw = nothing
    block.rawLength = 0
  }
  return block.added
}

function withoutType(delta: JsonRecord): JsonRecord {
  const { type: _, ...fields } = delta
  return fields
}
