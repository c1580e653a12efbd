/** Those who listen to a signal. One listener serves them all: Node warns at the eleventh, and looks through them all. */
interface Group {
  readonly members: Set<() => void>
  readonly onAbort: () => void
}

const groups = new WeakMap<AbortSignal, Group>()

/**
 * Unlinks when a body is collected that nobody has read to its end. The link is held weakly: by its signals it may reach
 * the body, which would then never go. The signal itself keeps it for as long as there is something to unlink.
 */
const abandoned = new FinalizationRegistry<WeakRef<SignalLink>>((link) => link.deref()?.unlink())

/** The tie of a controller to a signal. */
export interface SignalLink {
  /** What else is to be done on the abort. Clear it with what it knows: the link may live for as long as the signal. */
  onAbort: (() => void) | undefined
  /** Takes the controller off the signal. */
  unlink(): void
  /** Takes it off when `body` is gone, for one whose end nobody may see. */
  unlinkWith(body: object): void
}

/**
 * Aborts `controller` when `source` aborts, with its reason. By hand, as `AbortSignal.any` leaks on long-lived signals. `isShared` says
 * that the source may outlive the call, and serve others at the same time; else it is gone with the attempt.
 */
export function linkSignal(
  source: AbortSignal | null | undefined,
  isShared: boolean,
  controller: AbortController,
): SignalLink {
  return source == null ? untied() : tied(source, isShared, controller)
}

/** Most calls have nobody who could abort them. */
function untied(): SignalLink {
  return { onAbort: undefined, unlink: nothing, unlinkWith: nothing }
}

function tied(source: AbortSignal, isShared: boolean, controller: AbortController): SignalLink {
  const link: SignalLink = {
    onAbort: undefined,
    unlink() {
      if (isShared) {
        leave(source, abort)
        abandoned.unregister(link)
      } else {
        source.removeEventListener('abort', abort)
      }
    },
    unlinkWith(body) {
      if (isShared) abandoned.register(body, new WeakRef(link), link)
    },
  }
  function abort(): void {
    controller.abort(source.reason)
    link.onAbort?.()
  }
  if (isShared) join(source, abort)
  else source.addEventListener('abort', abort, { once: true })
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
    const told = [...members]
    members.clear()
    for (const abort of told) abort()
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

function nothing(): void {}
