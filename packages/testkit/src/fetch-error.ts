/** Where a request went, for the fields that a refused connection names. */
export interface Target {
  hostname: string
  port: number
}

/** The error of Node's fetch when no connection is made: `fetch failed`, caused by ECONNREFUSED. */
export function refused({ hostname, port }: Target): TypeError {
  const address = hostname === 'localhost' ? '127.0.0.1' : hostname
  const cause = Object.assign(new Error(`connect ECONNREFUSED ${address}:${port}`), {
    errno: -111,
    code: 'ECONNREFUSED',
    syscall: 'connect',
    address,
    port,
  })
  return new TypeError('fetch failed', { cause })
}

/** The error of Node's fetch when the other side resets the connection, before or within a body. */
export function reset(message: 'fetch failed' | 'terminated'): TypeError {
  const cause = Object.assign(new Error('read ECONNRESET'), {
    errno: -104,
    code: 'ECONNRESET',
    syscall: 'read',
  })
  return new TypeError(message, { cause })
}

/** The error of Node's fetch when the other side closes the connection, before or within a body. */
export function closed(message: 'fetch failed' | 'terminated'): TypeError {
  const cause = Object.assign(new Error('other side closed'), {
    name: 'SocketError',
    code: 'UND_ERR_SOCKET',
    socket: null,
  })
  return new TypeError(message, { cause })
}
