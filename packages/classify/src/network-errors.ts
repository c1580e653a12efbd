import type { Category } from './categories.ts'
import type { Details } from './classification.ts'

/** A category, and what differs from its row. */
export interface Ruling extends Details {
  /** The category whose row applies. */
  readonly category: Category
}

const refused: Ruling = { category: 'connection' }
/** The request may have reached the server before the connection broke. */
const broken: Ruling = { category: 'connection', retry: 'once', replay: 'ambiguous' }
const late: Ruling = { category: 'timeout' }
const cut: Ruling = { category: 'stream_interrupted' }
const cancelled: Ruling = { category: 'aborted' }
const misnamed: Ruling = {
  category: 'connection',
  retry: 'never',
  severity: 'ticket',
  hint: 'The host name does not resolve: check the base URL and the DNS of this host.',
}
const distrusted: Ruling = {
  category: 'connection',
  retry: 'never',
  severity: 'ticket',
  hint: 'TLS failed: check the base URL, the system clock, and the certificates of any proxy in between.',
}

/** What each error code of Node, undici and Bun means for a request, grouped by ruling. */
const codesOfRuling: readonly (readonly [Ruling, string])[] = [
  [
    refused,
    'ECONNREFUSED EHOSTUNREACH EHOSTDOWN ENETUNREACH ENETDOWN EAI_AGAIN EAI_FAIL UND_ERR_CONNECT_TIMEOUT ' +
      'ERR_TLS_HANDSHAKE_TIMEOUT ConnectionRefused FailedToOpenSocket',
  ],
  [
    broken,
    'ECONNRESET ECONNABORTED ENOTCONN ENETRESET EPIPE UND_ERR_SOCKET UND_ERR_CLOSED UND_ERR_DESTROYED ' +
      'ConnectionClosed ConnectionReset',
  ],
  [late, 'ETIMEDOUT ESOCKETTIMEDOUT UND_ERR_HEADERS_TIMEOUT UND_ERR_BODY_TIMEOUT'],
  [cut, 'ERR_STREAM_PREMATURE_CLOSE UND_ERR_RES_CONTENT_LENGTH_MISMATCH UND_ERR_RESPONSE_EXCEEDED_SIZE'],
  [cancelled, 'ABORT_ERR UND_ERR_ABORTED'],
  [misnamed, 'ENOTFOUND EAI_NONAME EAI_NODATA'],
  [
    distrusted,
    'CERT_HAS_EXPIRED CERT_NOT_YET_VALID CERT_REJECTED CERT_REVOKED CERT_UNTRUSTED CERT_CHAIN_TOO_LONG ' +
      'CERT_SIGNATURE_FAILURE DEPTH_ZERO_SELF_SIGNED_CERT SELF_SIGNED_CERT_IN_CHAIN HOSTNAME_MISMATCH ' +
      'UNABLE_TO_GET_ISSUER_CERT UNABLE_TO_GET_ISSUER_CERT_LOCALLY UNABLE_TO_VERIFY_LEAF_SIGNATURE ' +
      'INVALID_CA INVALID_PURPOSE PATH_LENGTH_EXCEEDED ERR_TLS_CERT_ALTNAME_INVALID ' +
      'ERR_TLS_CERT_ALTNAME_FORMAT EPROTO ERR_SSL_WRONG_VERSION_NUMBER ERR_SSL_UNSUPPORTED_PROTOCOL ' +
      'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
  ],
]

const rulingOfCode: ReadonlyMap<string, Ruling> = new Map(
  codesOfRuling.flatMap(([ruling, codes]) => codes.split(' ').map((code) => [code, ruling] as const)),
)

/** What fetch says when it could not send or receive: undici, Chrome, Firefox, Safari, React Native, Deno, Bun. */
const failedText =
  /^(?:fetch failed|Failed to fetch|NetworkError when attempting to fetch|Load failed|Network request failed|error sending request|The network connection was lost|The Internet connection appears|A network error occurred|Unable to connect)/i
/** What workerd says of any connection that is refused, or breaks: in a plain `Error` without a code. */
const lostText = /^Network connection lost\.?$/
/** What fetch says when the body broke off: undici, Chrome, Firefox, Deno. */
const cutText =
  /^(?:terminated|network error|Error in (?:input|body) stream|error reading a body from connection)$/i

/** The ruling of a network error's code, and of its `syscall` where the code alone leaves it open. */
export function rulingOfNetworkCode(code: unknown, syscall?: unknown): Ruling | undefined {
  if (typeof code !== 'string') return undefined
  if (code === 'ETIMEDOUT' && syscall === 'connect') return refused
  // Any answer that is not HTTP (llhttp's codes).
  return rulingOfCode.get(code) ?? (code.startsWith('HPE_') ? broken : undefined)
}

/** Whether an error is workerd's for a connection that is refused, or breaks. */
export function isLostConnection(name: unknown, text: string): boolean {
  return name === 'Error' && lostText.test(text)
}

/** The ruling of the text of fetch's own `TypeError`; undefined for the `TypeError` of a bug. */
export function rulingOfNetworkText(text: string): Ruling | undefined {
  if (cutText.test(text)) return cut
  return failedText.test(text) ? broken : undefined
}
