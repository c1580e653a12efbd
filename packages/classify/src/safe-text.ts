/** Longest text that a classification carries, in UTF-16 units. */
const longest = 1000
/** Cut before the patterns run, so that a huge text costs nothing; far above `longest` as they shorten it. */
const examined = 4 * longest

const secrets: readonly (readonly [RegExp, string])[] = [
  [/\b(?:sk|pk|rk)-[\w-]{4,}/g, '[redacted]'],
  [/\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?/g, '[redacted]'],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{8,}/g, '[redacted]'],
  [/\bya29\.[\w.-]+/g, '[redacted]'],
  [/\b(bearer|basic)\s+[\w.~+/=:-]{6,}/gi, '$1 [redacted]'],
  [
    /\b((?:x-)?api[-_]?key|authorization|access[-_]?token|secret|password|signature)\b(["']?\s*[:=]\s*["']?)(?!bearer|basic)[^\s"',;&]+/gi,
    '$1$2[redacted]',
  ],
  [/:\/\/[^\s/@]+@/g, '://[redacted]@'],
]

/** A text fit for a log line: credentials redacted, control characters and runs of white space → one space, bounded. */
export function safeText(text: string): string {
  if (text === '') return ''
  let safe = text
    .slice(0, examined)
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim()
  for (const [pattern, replacement] of secrets) safe = safe.replaceAll(pattern, replacement)
  // A cut inside a surrogate pair would leave half a character.
  return safe.length > longest ? safe.slice(0, longest).replace(/[\uD800-\uDBFF]$/, '') : safe
}

/** A short identifier (error type, error code, request id) as it is; undefined for anything else. */
export function safeToken(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w.:/+=-]{1,128}$/.test(value) ? value : undefined
}
