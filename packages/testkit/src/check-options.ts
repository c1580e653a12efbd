import { amount, callback, type Check, check, fail, fields, integer, list, text } from './check.ts'
import { checkReply, checkScripted } from './check-reply.ts'
import type { FakeOptions } from './engine.ts'

const repeat = check(
  'an integer of at least 1 or "forever"',
  (value) => value === 'forever' || (Number.isInteger(value) && Number(value) >= 1),
)
const share = check('a number from 0 to 1', (value) => typeof value === 'number' && value >= 0 && value <= 1)
const perMinute = check('a number above 0', (value) => typeof value === 'number' && value > 0)
const outage = fields({ fromMs: amount, toMs: amount, reply: checkReply, share, model: text }, ['reply'])
const key = fields({ key: text, fromMs: amount, toMs: amount }, ['key'])

const optionFields: Readonly<Record<string, Check>> = {
  script(value, path) {
    if (typeof value === 'function') return
    if (!Array.isArray(value)) fail(path, 'a list or a function', value)
    for (const [index, entry] of value.entries()) checkScripted(entry, `${path}[${index}]`, { repeat })
  },
  dynamics: fields({
    outages: list(outage),
    keys: list((value, path) => (typeof value === 'string' ? undefined : key(value, path))),
    rateLimit: fields({
      requestsPerMinute: perMinute,
      inputTokensPerMinute: perMinute,
      outputTokensPerMinute: perMinute,
      burstMs: perMinute,
    }),
    capacity: fields({ concurrent: integer(0) }, ['concurrent']),
  }),
  seed: integer(Number.MIN_SAFE_INTEGER),
  now: callback,
  models: list(text),
  onReply: callback,
}

/** Checks the options of a fake; throws a TypeError that names the option and its value. */
export function checkOptions(options: FakeOptions, more: Readonly<Record<string, Check>> = {}): void {
  fields({ ...optionFields, ...more })(options, '')
}
