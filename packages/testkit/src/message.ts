import { type Random, randomId } from './random.ts'
import type { ReplyFields, ToolUse } from './reply.ts'
import type { FakeRequest } from './request.ts'

/** A content block of an answer. */
export type Block =
  | { type: 'thinking'; thinking: string; signature: string }
  | { type: 'text'; text: string }
  | { type: 'tool_use'; id: string; name: string; input: object; caller: { type: 'direct' } }

/** An answer of the Messages endpoint. */
export interface FakeMessage {
  id: string
  type: 'message'
  role: 'assistant'
  model: string
  content: Block[]
  stop_reason: string
  stop_sequence: string | null
  stop_details: object | null
  container: null
  diagnostics: null
  usage: Record<string, unknown> & { input_tokens: number; output_tokens: number }
}

const defaultText = 'This is the answer of a fake Anthropic API.'
const defaultThinking = 'A fake thought before a fake answer.'

/** Estimates tokens: one per four characters, rounded up. */
export function estimateTokens(text: string): number {
  return Math.ceil(text.length / 4)
}

/** Builds the answer to a request. */
export function buildMessage(reply: ReplyFields, request: FakeRequest, random: Random): FakeMessage {
  const tools = toArray(reply.toolUse)
  const content: Block[] = []
  const thinking = reply.thinking === undefined && asksForThinking(request) ? defaultThinking : reply.thinking
  if (typeof thinking === 'string') {
    content.push({ type: 'thinking', thinking, signature: randomId('sig_', random) })
  }
  const text = reply.text ?? (tools.length > 0 ? '' : defaultText)
  if (text !== '') content.push({ type: 'text', text })
  for (const { name, input = {}, id = randomId('toolu_', random) } of tools) {
    content.push({ type: 'tool_use', id, name, input, caller: { type: 'direct' } })
  }
  return {
    id: randomId('msg_', random),
    type: 'message',
    role: 'assistant',
    model: reply.model ?? request.model ?? 'unknown',
    content,
    stop_reason: reply.stopReason ?? (tools.length > 0 ? 'tool_use' : 'end_turn'),
    stop_sequence: reply.stopSequence ?? null,
    stop_details: reply.stopDetails ?? null,
    container: null,
    diagnostics: null,
    usage: {
      input_tokens: estimateTokens(request.text),
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
      output_tokens: estimateTokens(content.map(contentText).join('')),
      output_tokens_details: null,
      server_tool_use: null,
      service_tier: 'standard',
      inference_geo: null,
      speed: 'standard',
      ...reply.usage,
    },
  }
}

/** The characters of a block that are streamed as deltas and counted as output. */
export function contentText(block: Block): string {
  if (block.type === 'text') return block.text
  return block.type === 'thinking' ? block.thinking : JSON.stringify(block.input)
}

function toArray(toolUse: ToolUse | readonly ToolUse[] | undefined): readonly ToolUse[] {
  if (toolUse === undefined) return []
  return 'name' in toolUse ? [toolUse] : toolUse
}

function asksForThinking({ body }: FakeRequest): boolean {
  if (typeof body !== 'object' || body === null || !('thinking' in body)) return false
  const { thinking } = body
  if (typeof thinking !== 'object' || thinking === null || !('type' in thinking)) return false
  return thinking.type === 'enabled' || thinking.type === 'adaptive'
}
