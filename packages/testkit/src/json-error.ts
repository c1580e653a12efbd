/** Finds where a text stops being JSON, as line and column from 1; undefined when it is JSON. */
export function jsonErrorPosition(text: string): { line: number; column: number } | undefined {
  const offset = jsonErrorOffset(text)
  if (offset === undefined) return undefined
  const before = text.slice(0, offset).split('\n')
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
}

const literal =
  /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y

// Node 20 says what is wrong with a JSON text but not where.
function jsonErrorOffset(text: string): number | undefined {
  let position = 0

  function skip(): string {
    while (/[ \t\n\r]/.test(text.charAt(position))) position += 1
    return text.charAt(position)
  }
  function eat(character: string): boolean {
    if (skip() !== character) return false
    position += 1
    return true
  }
  function value(): boolean {
    if (eat('[')) return members(']', value)
    if (eat('{')) return members('}', member)
    skip()
    literal.lastIndex = position
    if (!literal.test(text)) return false
    position = literal.lastIndex
    return true
  }
  function member(): boolean {
    return skip() === '"' && value() && eat(':') && value()
  }
  function members(end: string, one: () => boolean): boolean {
    if (eat(end)) return true
    while (one()) {
      if (eat(end)) return true
      if (!eat(',')) return false
    }
    return false
  }

  const whole = value() && skip() === ''
  return whole ? undefined : position
}
