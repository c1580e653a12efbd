/** Where a request goes. */
export interface Server {
  readonly address: string
  readonly port: number
}

const pattern = /^(https?):\/\/(?:[^/?#@]*@)?(\[[^\]]*\]|[^/:?#]*)(?::(\d+))?/i

/** The host and the port of a URL, without whatever stands before an `@`; `undefined` for one that has no host. */
export function serverOf(url: string): Server | undefined {
  const [, scheme = '', host = '', port] = pattern.exec(url) ?? []
  if (host === '') return undefined
  const standard = scheme.toLowerCase() === 'http' ? 80 : 443
  return { address: host.replace(/^\[(.*)\]$/, '$1'), port: port === undefined ? standard : Number(port) }
}
