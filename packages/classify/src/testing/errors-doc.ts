import { categories } from '../categories.ts'
import type { Category } from '../categories.ts'
import { classification } from '../classification.ts'
import { errorCodes, ownCodes } from '../codes.ts'
import type { CodeVerdict } from '../codes.ts'
import { stopReasons } from '../stop-reason.ts'

/** Where each category comes from, in words; only the page needs it. */
const origins: Readonly<Record<Category, string>> = {
  invalid_request: '400',
  context_window: '400 whose text says that the prompt is too long',
  billing: '402; 400 that names the credit balance; `organization_on_hold`',
  authentication: '401',
  permission: '403',
  not_found: '404',
  request_timeout: '408',
  conflict: '409',
  precondition_failed: '412',
  request_too_large: '413, 431',
  unprocessable: '422',
  rate_limit: '429; `ramp_limit_exceeded`; our own full queue',
  spend_limit: '429 with a spend-limit code or text; 400 that names the specified usage limits',
  client_closed: '499',
  server_error: '500, 502, 503, 504, 520 to 524, other 5xx; 501 is never retried',
  overloaded: '529; `overloaded_error` inside a stream',
  connection: 'fetch failed: refused, unreachable, DNS, reset, TLS',
  timeout: "our limits, the SDK's, undici's, `AbortSignal.timeout`",
  stream_interrupted: 'the answer broke off: cut, ended before `message_stop`, malformed',
  circuit_open: 'our circuit breaker',
  aborted: "the caller's signal",
  unknown: 'anything else',
}

/** The tables of `docs/errors.md` by the name in their marker, rendered from the data. */
export function renderTables(): Readonly<Record<string, string>> {
  return {
    categories: table(
      ['category', 'from', 'fault', 'retry', 'failover', 'trips', 'replay', 'severity'],
      Object.entries(categories).map(([name, row]) => [
        `[${name}](#${name})`,
        origins[name as Category],
        row.fault,
        row.retry,
        yesNo(row.failover),
        row.trips,
        row.replay,
        row.severity,
      ]),
    ),
    codes: codeTable(errorCodes),
    'own-codes': codeTable(ownCodes),
    'stop-reasons': table(
      ['stop_reason', 'complete', 'action', 'next step'],
      Object.entries(stopReasons).map(([name, row]) => [
        `\`${name}\``,
        yesNo(row.complete),
        row.action,
        row.hint,
      ]),
    ),
  }
}

/** A page with each table between its markers replaced; the markers stay. */
export function withTables(page: string, tables: Readonly<Record<string, string>>): string {
  return page.replaceAll(
    /(<!-- table:([\w-]+) -->\n)[^]*?(<!-- \/table -->)/g,
    (_all, start: string, name: string, end: string) =>
      `${start}\n${tables[name] ?? `no such table: ${name}`}\n\n${end}`,
  )
}

/** The same page however its tables are padded. */
export function unpadded(page: string): string {
  return page.replaceAll(/-{3,}/g, '---').replaceAll(/ +/g, ' ')
}

function codeTable(codes: Readonly<Record<string, CodeVerdict>>): string {
  const rows = Object.entries(codes).map(([code, { category, ...own }]) => {
    const { fault, retry, failover, trips, severity } = classification(category, own)
    return [
      `\`${code}\``,
      `${own.status}`,
      category,
      fault,
      retry,
      yesNo(failover),
      trips,
      severity,
      own.hint ?? '',
    ]
  })
  const head = ['code', 'status', 'category', 'fault', 'retry', 'failover', 'trips', 'severity', 'next step']
  return table(head, rows)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no'
}
