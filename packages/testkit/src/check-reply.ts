import {
  amount,
  type Check,
  check,
  duration,
  fail,
  fields,
  flag,
  integer,
  isObject,
  list,
  object,
  oneOf,
  show,
  text,
} from './check.ts'

const answerFields = 'text thinking toolUse stopReason stopSequence stopDetails usage model deltaChars'.split(
  ' ',
)
const errorFields = ['type', 'message', 'code', 'details'] as const
const bodyFields = ['body', 'bodyBase64', 'html'] as const

const status = integer(200, 599)
const toolUse = fields({ name: text, input: object, id: text }, ['name'])
const limits = fields({ limit: amount, remaining: amount, resetMs: span }, ['limit', 'remaining'])
const faultKind = oneOf(
  'error',
  'end',
  'cut',
  'reset',
  'stall',
  'pings',
  'drip',
  'duplicate',
  'unknown',
  'garbage',
  'raw',
  'truncatedToolJson',
)
const faultPlace = check(
  `an index or one of "start", "middle", "end"`,
  (value) =>
    value === 'start' ||
    value === 'middle' ||
    value === 'end' ||
    (Number.isInteger(value) && Number(value) >= 0),
)
const fault = fields(
  {
    kind: faultKind,
    at: faultPlace,
    gapMs: duration,
    chunkBytes: integer(1),
    type: text,
    message: text,
    code: text,
    details: object,
    data: text,
  },
  ['kind'],
)
const tokenCount = check('a number', (value) => typeof value === 'number')

const replyFields: Readonly<Record<string, Check>> = {
  status,
  text,
  thinking: check('a string or null', (value) => value === null || typeof value === 'string'),
  toolUse: (value, path) => (Array.isArray(value) ? list(toolUse)(value, path) : toolUse(value, path)),
  stopReason: text,
  stopSequence: text,
  stopDetails: object,
  usage(value, path) {
    object(value, path)
    const { input_tokens = 0, output_tokens = 0 } = isObject(value) ? value : {}
    tokenCount(input_tokens, `${path}.input_tokens`)
    tokenCount(output_tokens, `${path}.output_tokens`)
  },
  model: text,
  deltaChars: integer(1, 65_535),
  type: text,
  message: text,
  code: text,
  details: object,
  headers(value, path) {
    if (!isObject(value)) fail(path, 'an object', value)
    for (const [name, inner] of Object.entries(value)) {
      if (inner === null) continue
      headerValue(inner, `${path}.${name}`, name)
    }
  },
  retryAfter: numberOrHeader,
  retryAfterMs: numberOrHeader,
  retryAfterDateMs: span,
  rateLimit: fields({ requests: limits, tokens: limits, inputTokens: limits, outputTokens: limits }),
  body: check('JSON data', (value) => JSON.stringify(value) !== undefined),
  bodyBase64: check(
    'base64',
    (value) => typeof value === 'string' && /^[\w+/]*={0,2}$/.test(value) && value.length % 4 === 0,
  ),
  html: check('true or a string', (value) => value === true || typeof value === 'string'),
  contentType: (value, path) => headerValue(value, path),
  endless: flag,
  delayMs: duration,
  gapMs: duration,
  chunkBytes: integer(1),
  newline: oneOf('\n', '\r\n', '\r'),
  network: oneOf('reset', 'close', 'refused', 'hang', 'resetOnReusedSocket'),
  fault: (value, path) => (isObject(value) ? fault(value, path) : faultKind(value, path)),
}

const weight = check(
  'a number above 0',
  (value) => typeof value === 'number' && value > 0 && Number.isFinite(value),
)
const replies = list(fields({ reply: checkReply, weight }, ['reply']))
const pick: Check = (value, path) => {
  replies(value, path)
  if (Array.isArray(value) && value.length === 0)
    throw new TypeError(`Expected \`${path}\` to have an entry.`)
}
/** Checks what a script says to a request, and the fields that only its place allows. */
export function checkScripted(
  value: unknown,
  path: string,
  more: Readonly<Record<string, Check>> = {},
): void {
  if (isObject(value) && 'pick' in value) fields({ pick, ...more })(value, path)
  else checkReply(value, path, more)
}

/** Checks a reply; throws a TypeError that names the field and its value. */
export function checkReply(value: unknown, path: string, more: Readonly<Record<string, Check>> = {}): void {
  if (typeof value === 'number') {
    status(value, path)
    return
  }
  if (!isObject(value)) fail(path, 'a status or a reply', value)
  fields({ ...replyFields, ...more })(value, path)
  const code = value['status'] ?? 200
  const body = bodyFields.find((name) => value[name] !== undefined)
  const other = bodyFields.findLast((name) => value[name] !== undefined)
  if (body !== other)
    throw new TypeError(`Expected only one of \`${path}.${body}\` and \`${path}.${other}\`.`)
  const isError = Number(code) >= 400
  for (const name of body === undefined && isError ? [] : errorFields) {
    if (value[name] !== undefined) {
      throw new TypeError(
        `\`${path}.${name}\` is for an error body: it needs a \`status\` from 400, and no \`${body ?? 'body'}\`.`,
      )
    }
  }
  for (const name of body === undefined && !isError ? [] : answerFields) {
    if (value[name] !== undefined) {
      throw new TypeError(
        `\`${path}.${name}\` is for an answer: it has no effect with ${body === undefined ? `status ${show(code)}` : `\`${body}\``}.`,
      )
    }
  }
}

function numberOrHeader(value: unknown, path: string): void {
  if (typeof value !== 'number') headerValue(value, path)
}

function headerValue(value: unknown, path: string, name = 'x'): void {
  if (typeof value !== 'string') fail(path, 'a string', value)
  try {
    new Headers([[name, value]]).get(name)
  } catch {
    fail(path, 'a valid header', value)
  }
}

/** A span that still gives a date when it is counted from now. */
export function span(value: unknown, path: string): void {
  if (typeof value !== 'number' || !(Math.abs(value) <= 4e15)) fail(path, 'a number of milliseconds', value)
}
