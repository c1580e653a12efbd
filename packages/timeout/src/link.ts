/** Those who abort with a signal. One listener serves them all: Node warns at the eleventh, and looks through them all. */
interface Group {
  readonly members: Set<() => void>
  readonly onAbort: () => void
}

const groups = new WeakMap<AbortSignal, Group>()

/** Unlinks when a body is collected that nobody has read to its end. */
const abandoned = new FinalizationRegistry<() => void>((unlink) => unlink())

/** A controller that aborts with another signal. */
export interface Link {
  /** What else is to be done on the abort. */
  onAbort: (() => void) | undefined
  /** Takes the controller off the signal. */
  unlink(): void
  /** Takes it off when `body` is gone, for one whose end nobody may see. */
  unlinkWith(body: object): void
}

/**
 * Aborts `controller` when `source` aborts, with its reason. By hand, as `AbortSignal.any` leaks on long-lived signals;
 * plainly where `source` is gone with the attempt.
 */
export function link(
  { signal: source, isShared }: { signal: AbortSignal | null | undefined; isShared: boolean },
  controller: AbortController,
): Link {
  const link: Link = {
    onAbort: undefined,
    unlink() {
      if (isShared && source != null) leave(source, abort)
      else source?.removeEventListener('abort', abort)
    },
    unlinkWith(body) {
      // The link must not hold the body, or it would never go.
      if (isShared && source != null) abandoned.register(body, link.unlink)
    },
  }
  function abort(): void {
    controller.abort(source?.reason)
    link.onAbort?.()
  }
  if (isShared && source != null) join(source, abort)
  else source?.addEventListener('abort', abort, { once: true })
  return link
}

function join(source: AbortSignal, member: () => void): void {
  const group = groups.get(source)
  if (group !== undefined) {
    group.members.add(member)
    return
  }
  const members = new Set([member])
  const onAbort = (): void => {
    groups.delete(source)
    for (const abort of members) abort()
  }
  source.addEventListener('abort', onAbort, { once: true })
  groups.set(source, { members, onAbort })
}

function leave(source: AbortSignal, member: () => void): void {
  const group = groups.get(source)
  if (group === undefined || !group.members.delete(member) || group.members.size > 0) return
  source.removeEventListener('abort', group.onAbort)
  groups.delete(source)
}
