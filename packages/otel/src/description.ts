import type { Description } from '@breakwater/core'

/** What `otel` says of itself for `describe`. */
export const description: Description = {
  name: 'otel',
  warn({ outside }) {
    const repeater = outside.find((name) => name === 'jitterRetry' || name === 'modelFailover')
    if (repeater === undefined || outside.includes('otel')) return undefined
    return `\`otel\` inside \`${repeater}\` sees its tries and not the calls: give the same instance outermost too. See docs/choosing-an-order.md#otel-in-the-middle`
  },
}
