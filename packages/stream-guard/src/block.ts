import { isRecord, parseJson, type JsonRecord } from './records.ts'

/** A content block, of which its beginning and what its deltas have added are kept: it is put together when asked for. */
export interface Block {
  readonly type: unknown
  readonly isTool: boolean
  /** The block as it began. */
  start: JsonRecord
  /** What the deltas have added: text, thinking, or the JSON of a tool's input. A string that is appended to is cheap. */
  added: string
  citations: unknown[] | undefined
  /** Fields that a delta gives as a whole: a signature, a compaction. */
  fields: JsonRecord | undefined
  /** The input of a tool, once it is known to be whole. */
  input: unknown
  /** Whether all of `added` was kept. */
  isKept: boolean
}

/** The block of a message so far. */
export type PartialBlock = JsonRecord & { readonly type: string }

/** More of a tool's input is not kept for the check alone. */
export const maxInputChars = 1_048_576

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

/** Adds a delta as the SDK does, which leaves out what does not suit the block; returns how many characters it has. */
export function addDelta(block: Block, delta: JsonRecord, keeps: boolean): number {
  const { type } = block
  switch (delta['type']) {
    case 'text_delta':
      return type === 'text' ? addText(block, delta['text'], keeps) : 0
    case 'thinking_delta':
      return type === 'thinking' ? addText(block, delta['thinking'], keeps) : 0
    case 'input_json_delta':
      if (!block.isTool) return 0
      // Kept in any case, as it is checked.
      return addText(block, delta['partial_json'], keeps || block.added.length < maxInputChars)
    case 'citations_delta':
      if (type === 'text' && keeps) (block.citations ??= []).push(delta['citation'])
      return 0
    case 'signature_delta':
      if (type === 'thinking' && keeps) block.fields = { signature: delta['signature'] }
      return 0
    case 'compaction_delta':
      if (type === 'compaction' && keeps) block.fields = withoutType(delta)
      return 0
    default:
      return 0
  }
}

/** Finds out whether the input of a tool is JSON; no input at all is an empty one. One that was not kept passes. */
export function completeInput(block: Block): boolean {
  if (!block.isKept) return true
  block.input = block.added === '' ? (block.start['input'] ?? {}) : parseJson(block.added)
  return block.input !== undefined
}

/** Forgets what the block holds. */
export function emptyBlock(block: Block): void {
  block.start = { type: block.type }
  block.added = ''
  block.citations = undefined
  block.fields = undefined
  block.input = undefined
  block.isKept = false
}

/** The block so far, as the SDK would have it; the input of an incomplete tool call is its JSON text so far. */
export function partialBlock({ type, isTool, start, added, citations, fields, input }: Block): PartialBlock {
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
  if (keeps) block.added += text
  else block.isKept = false
  return text.length
}

function withoutType(delta: JsonRecord): JsonRecord {
  const { type: _, ...fields } = delta
  return fields
}
