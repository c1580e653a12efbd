import { fallback, primary, secrets } from '../orders/fault.ts'
import type { Dice } from './dice.ts'

const encoder = new TextEncoder()

/** Numbers that no field of the API has. */
const numbers = ['0', '-1', '1e308', '1e400', '9007199254740993', '-0', '0.1', '"7"', 'null', '[]'] as const
const strings = ['', '\u0000', '\uD800', '💥'.repeat(40), '__proto__', 'constructor', 'toString'] as const

/** Any JSON, nested as the dice will. */
export function anyJson(dice: Dice, depth = 0): string {
  if (depth > 5 || dice.chance(0.4)) {
    return dice.pick([dice.pick(numbers), JSON.stringify(dice.pick(strings)), 'true', '{}'])
  }
  const items = Array.from({ length: dice.below(4) }, () => anyJson(dice, depth + 1))
  if (dice.chance(0.4)) return `[${items.join(',')}]`
  const names = [
    'type',
    'error',
    'message',
    'details',
    'index',
    'delta',
    'usage',
    'content',
    '__proto__',
  ] as const
  return `{${items.map((item) => `"${dice.pick(names)}":${item}`).join(',')}}`
}

const message = (dice: Dice): string =>
  `{"id":"msg_1","type":"message","role":"assistant","model":"${dice.pick([primary, fallback])}",` +
  `"content":[{"type":"text","text":"${secrets.completion}"}],"stop_reason":"end_turn","stop_sequence":null,` +
  `"usage":{"input_tokens":${dice.pick(numbers)},"output_tokens":${dice.pick(numbers)}}}`

const failure = (dice: Dice): string =>
  `{"type":"error","error":{"type":"${dice.pick(['api_error', 'overloaded_error', 'rate_limit_error', 'invalid_request_error', ''])}",` +
  `"message":"${dice.pick([secrets.prompt, 'prompt is too long', 'credit balance is too low', ''])}"` +
  `${dice.chance(0.3) ? `,"details":${anyJson(dice)}` : ''}},"request_id":${dice.pick(['null', '"req_1"', '7'])}}`

const deltas = [
  '{"type":"text_delta","text":"Hello"}',
  '{"type":"input_json_delta","partial_json":"{\\"a\\":"}',
  '{"type":"thinking_delta","thinking":"…"}',
  '{"type":"signature_delta","signature":"x"}',
  '{"type":"unknown_delta"}',
] as const

/** The data of an event that may come, or may not. */
function anyEvent(dice: Dice): readonly [name: string, data: string] {
  const index = dice.pick([0, 0, 0, 1, -1, 1e9])
  const event = dice.below(12)
  if (event === 0) return ['message_start', `{"type":"message_start","message":${message(dice)}}`]
  if (event === 1)
    return [
      'content_block_start',
      `{"type":"content_block_start","index":${index},"content_block":{"type":"${dice.pick(['text', 'tool_use', 'thinking', 'x'])}","text":""}}`,
    ]
  if (event < 6)
    return [
      'content_block_delta',
      `{"type":"content_block_delta","index":${index},"delta":${dice.pick(deltas)}}`,
    ]
  if (event === 6) return ['content_block_stop', `{"type":"content_block_stop","index":${index}}`]
  if (event === 7)
    return [
      'message_delta',
      `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":${dice.pick(numbers)}}}`,
    ]
  if (event === 8) return ['message_stop', '{"type":"message_stop"}']
  if (event === 9) return ['error', failure(dice)]
  if (event === 10) return ['ping', '{"type":"ping"}']
  return [dice.pick(['', 'x', 'completion']), anyJson(dice)]
}

const whole = [0, 1, 2, 3, 6, 7, 8] as const

/** A stream of events: sometimes a good one, mostly one that is not. */
function anyStream(dice: Dice): string {
  const newline = dice.pick(['\n', '\n', '\r\n', '\r'])
  const count = dice.chance(0.3) ? whole.length : dice.below(30)
  const events = Array.from({ length: count }, () => {
    const [name, data] = anyEvent(dice)
    const fields = [`event: ${name}`, `data: ${data}`, 'id: 1', ': a comment', 'retry: 9'].slice(
      0,
      dice.chance(0.9) ? 2 : 5,
    )
    return fields.join(newline) + newline + newline
  })
  return (dice.chance(0.05) ? '\uFEFF' : '') + events.join('')
}

/** A stream as it should be. */
function goodStream(): string {
  const events = [
    `{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"${primary}","content":[],"stop_reason":null,"usage":{"input_tokens":1,"output_tokens":1}}}`,
    '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
    '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}',
    '{"type":"content_block_stop","index":0}',
    '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}',
    '{"type":"message_stop"}',
  ]
  return events.map((data) => `event: ${/"type":"(\w+)"/.exec(data)?.[1]}\ndata: ${data}\n\n`).join('')
}

/** The body of an answer. */
export function anyBody(dice: Dice, isStream: boolean): Uint8Array {
  const kind = dice.below(10)
  if (kind === 0) return new Uint8Array()
  if (kind === 1) return dice.bytes(dice.below(2000))
  if (kind === 2) return encoder.encode('{"a":'.repeat(dice.below(3000)))
  if (kind === 3) return encoder.encode(`<html>${'x'.repeat(dice.below(100_000))}`)
  if (kind === 4) return encoder.encode(anyJson(dice))
  if (kind === 5) return encoder.encode(failure(dice))
  const good = dice.chance(0.4)
  const text = isStream ? (good ? goodStream() : anyStream(dice)) : message(dice)
  return damaged(encoder.encode(text), dice)
}

/** Some bytes changed, doubled or cut off. */
function damaged(bytes: Uint8Array, dice: Dice): Uint8Array {
  if (dice.chance(0.6)) return bytes
  if (dice.chance(0.5)) return bytes.subarray(0, dice.below(bytes.length + 1))
  const changed = Uint8Array.from(bytes)
  for (let turn = dice.below(5); turn >= 0; turn--) changed[dice.below(changed.length)] = dice.below(256)
  return changed
}
