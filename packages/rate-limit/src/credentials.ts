import type { RateLimitStore } from './store.ts'

/** One credential, as it is called in keys: by the order in which it was seen. */
interface Credential {
  readonly number: number
  /** Keys without the credential, and with it. */
  readonly keys: Map<string, string>
}

/** The credentials that the calls of one store have used. */
export interface Credentials {
  /** The key with the number of the credential, where that is not the first. */
  keyOf(key: string, headers: Headers): string
}

/** More than that are tokens that were renewed. */
const maxKept = 1000
const byStore = new WeakMap<RateLimitStore, Credentials>()

/** Those of a store: who shares its limits has to call them by the same numbers. */
export function credentialsOf(store: RateLimitStore): Credentials {
  let credentials = byStore.get(store)
  if (credentials === undefined) {
    credentials = createCredentials()
    byStore.set(store, credentials)
  }
  return credentials
}

function createCredentials(): Credentials {
  const seen = new Map<string, Credential>()
  let numbers = 0

  function meet(secret: string): Credential {
    let credential = seen.get(secret)
    if (credential === undefined) {
      if (seen.size >= maxKept) seen.clear()
      credential = { number: ++numbers, keys: new Map() }
      seen.set(secret, credential)
    }
    return credential
  }

  return {
    keyOf(key, headers) {
      const secret = headers.get('x-api-key') ?? headers.get('authorization') ?? ''
      const { number, keys } = seen.get(secret) ?? meet(ownerOf(secret))
      if (number === 1) return key
      let named = keys.get(key)
      if (named === undefined) {
        if (keys.size >= maxKept) keys.clear()
        named = `${key} #${number}`
        keys.set(key, named)
      }
      return named
    },
  }
}

/** Who pays: a signature of AWS is another one for each request, but its key is not. */
function ownerOf(secret: string): string {
  return /^AWS4-\S+\s+Credential=[^/,]+/.exec(secret)?.[0] ?? secret
}
