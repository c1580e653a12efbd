import type { StreamEvent } from '@breakwater/core'
import {
  addDelta,
  addRaw,
  beginsEmpty,
  completeInput,
  emptyBlock,
  newBlock,
  textField,
  type Block,
} from './block.ts'
import { partialMessage, withMessageDelta, type PartialMessage } from './partial-message.ts'
import { isRecord, parseJson, type JsonRecord } from './records.ts'

/** What is wrong with an event. */
export type EventFault = 'error_event' | 'malformed' | 'tool_input'

/** What an event is to the message: nothing, as a ping; without content; content; or a fault. */
export type EventMeaning = 'nothing' | 'preamble' | 'content' | EventFault

/** Follows the stream of one message, event by event. */
export interface MessageReader {
  /** Takes the next event and says what it is. After a fault there is none. */
  read(event: StreamEvent): EventMeaning
  /** Whether `message_start` was there. */
  readonly isStarted: boolean
  /** Whether `message_stop` was there. */
  readonly isStopped: boolean
  /** Whether a `message_delta` with a stop reason was there. */
  readonly hasStopReason: boolean
  /** Whether the last event has ended a tool call whose input is not JSON, and the next one has to say why. */
  readonly isSuspect: boolean
  /** Events without pings, and characters of content, that came without a fault. */
  readonly events: number
  readonly characters: number
  /** Whether every tool call that began is complete; `undefined` where none began. */
  toolCallComplete(): boolean | undefined
  /** The message so far; `undefined` where it has not begun or is larger than the limit. */
  partial(): PartialMessage | undefined
}

/** Stop reasons that claim a whole answer. By any other, the message says itself that it breaks off. */
const wholeReasons: ReadonlySet<unknown> = new Set(['tool_use', 'end_turn', 'pause_turn'])

/** Makes a reader that keeps at most `maxBytes` of events, to put the message together if it breaks. */
export function messageReader(maxBytes: number): MessageReader {
  const blocks = new Map<unknown, Block>()
  const open = new Set<Block>()
  let message: JsonRecord | undefined
  let keptBytes = 0
  let keeps = maxBytes > 0
  /** Whether an event passed that was too long to look at: what refers to it cannot be judged. */
  let isBlind = false
  let stopReason: unknown
  let tools = 0
  let completeTools = 0
  /** The block that the last event has added text to, in a form that more may have: it begins with `begin`. */
  let growing: Block | undefined
  let begin = ''
  let form: object | undefined

  /** Takes an event of the form without reading its JSON: the scan has seen that it is sound. Says whether it could. */
  function takeMore({ form: own, text, start, end }: StreamEvent): boolean {
    if (growing === undefined || text === undefined || own !== form) return false
    const bytes = end - start
    if (keeps ? keptBytes + bytes > maxBytes : growing.isTool) return false
    if (keeps) addRaw(growing, text)
    keptBytes += bytes
    reader.characters += text.characters
    reader.events++
    return true
  }

  function expectMore(event: StreamEvent, block: Block, { index, delta }: JsonRecord): void {
    const deltaType = isRecord(delta) ? delta['type'] : undefined
    const field = textField(block, deltaType)
    if (field === undefined || event.expectMore === undefined) return
    const own = `{"type":"content_block_delta","index":${String(index)},"delta":{"type":"${String(deltaType)}","${field}":"`
    if (event.data()?.startsWith(own) !== true) return
    if (own !== begin || form === undefined) form = event.expectMore(own)
    begin = own
    growing = block
  }

  function keep(bytes: number): void {
    keptBytes += bytes
    if (keeps && keptBytes > maxBytes) stopKeeping()
  }

  function stopKeeping(): void {
    keeps = false
    message = undefined
    for (const [index, block] of blocks) {
      if (!open.has(block)) blocks.delete(index)
      else if (!block.isTool) emptyBlock(block)
    }
  }

  function passUnseen(type: string): EventMeaning {
    if (reader.isSuspect) return 'tool_input'
    isBlind = true
    stopKeeping()
    for (const block of open) emptyBlock(block)
    if (type === 'message_start') reader.isStarted = true
    return 'content'
  }

  function take(type: unknown, value: JsonRecord, event: StreamEvent): EventMeaning {
    if (reader.isSuspect && type !== 'message_delta') return 'tool_input'
    if (type === 'message_start') return takeStart(value)
    if (reader.isStopped) return 'content'
    if (typeof type === 'string' && !reader.isStarted && /^(?:message|content_block)_/.test(type))
      return 'malformed'
    switch (type) {
      case 'content_block_start':
        return takeBlockStart(value)
      case 'content_block_delta':
        return takeDelta(value, event)
      case 'content_block_stop':
        return takeBlockStop(value)
      case 'message_delta':
        return takeMessageDelta(value)
      case 'message_stop':
        reader.isStopped = true
        for (const block of open) if (!endBlock(block)) return faultOfInput()
        return 'content'
      default:
        return 'content'
    }
  }

  function takeStart({ message: started }: JsonRecord): EventMeaning {
    if (reader.isStarted || !isRecord(started) || !Array.isArray(started['content'])) return 'malformed'
    reader.isStarted = true
    if (keeps) message = started
    return 'preamble'
  }

  function takeBlockStart({ index, content_block: start }: JsonRecord): EventMeaning {
    if (blocks.has(index) || !isRecord(start)) return 'malformed'
    const block = newBlock(start)
    blocks.set(index, block)
    open.add(block)
    if (block.isTool) tools++
    const meaning = beginsEmpty(start) ? 'preamble' : 'content'
    if (!keeps && !block.isTool) emptyBlock(block)
    return meaning
  }

  function takeDelta(value: JsonRecord, event: StreamEvent): EventMeaning {
    const { index, delta } = value
    const block = blocks.get(index)
    if (!isRecord(delta)) return 'malformed'
    if (block === undefined || !open.has(block)) return isBlind ? 'content' : 'malformed'
    reader.characters += addDelta(block, delta, keeps)
    expectMore(event, block, value)
    return 'content'
  }

  function takeBlockStop({ index }: JsonRecord): EventMeaning {
    const block = blocks.get(index)
    if (block === undefined || !open.has(block)) return 'preamble'
    if (!endBlock(block)) reader.isSuspect = true
    if (!keeps) blocks.delete(index)
    return 'preamble'
  }

  function takeMessageDelta(value: JsonRecord): EventMeaning {
    const { delta } = value
    if (!isRecord(delta)) return 'malformed'
    stopReason = delta['stop_reason'] ?? stopReason
    if (typeof stopReason === 'string') reader.hasStopReason = true
    if (reader.isSuspect && stopReason != null) {
      reader.isSuspect = false
      if (faultOfInput() === 'tool_input') return 'tool_input'
    }
    if (message !== undefined) message = withMessageDelta(message, value)
    return 'content'
  }

  /** Says whether the block is whole. */
  function endBlock(block: Block): boolean {
    open.delete(block)
    if (!block.isTool) return true
    if (!completeInput(block)) return false
    if (block.isKept) completeTools++
    if (!keeps) emptyBlock(block)
    return true
  }

  /** At `max_tokens` the API ends a tool call in the middle of its input: then the message says so itself. */
  function faultOfInput(): EventMeaning {
    return stopReason == null || wholeReasons.has(stopReason) ? 'tool_input' : 'content'
  }

  const reader = {
    isStarted: false,
    isStopped: false,
    hasStopReason: false,
    isSuspect: false,
    events: 0,
    characters: 0,
    read(event: StreamEvent): EventMeaning {
      if (takeMore(event)) return 'content'
      const { type: name } = event
      // As the SDK does, which skips a ping and what has no data, whatever is in it.
      if (name === 'ping' || name === '') return 'nothing'
      growing = undefined
      if (name === 'error') return 'error_event'
      const data = event.data()
      if (data === '') return 'nothing'
      const value = data === undefined ? undefined : parseJson(data)
      if (data !== undefined && !isRecord(value)) return 'malformed'
      const type = isRecord(value) ? (value['type'] ?? name) : name
      if (type === 'ping') return 'nothing'
      if (type === 'error') return 'error_event'
      keep(event.end - event.start)
      const meaning = isRecord(value) ? take(type, value, event) : passUnseen(name)
      if (meaning !== 'malformed' && meaning !== 'tool_input') reader.events++
      return meaning
    },
    toolCallComplete: () => (tools === 0 ? undefined : completeTools === tools),
    partial: () => (message === undefined ? undefined : partialMessage(message, blocks.values())),
  }
  return reader
}
