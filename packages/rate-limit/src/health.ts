/** How the API has answered lately. */
export interface Health {
  /** What share of the requests has failed by a fault of its own or of the network, by the last ones. */
  failing: number
  /** The most that were under way at a good answer, since the last time that so many were too many. */
  proven: number
  /** Good answers, each worth less with time, and how much time that is the sum of, as a share of {@link usualMs}. */
  answers: number
  seen: number
  answeredAt: number
}

/** What one request weighs against those before. */
const weight = 1 / 32
/** From here on most fail. */
const most = 0.5
/** Over about so long a rate of answers is usual. */
const usualMs = 20_000
/** Less than so much of that says nothing of it. */
const leastSeen = 0.2

/** Of an API that nothing was asked yet. */
export function createHealth(now: number): Health {
  return { failing: 0, proven: 0, answers: 0, seen: 0, answeredAt: now }
}

/** Takes note of a good answer. */
export function noteAnswer(health: Health, now: number): void {
  // While most fail, what is answered is not what is usual.
  if (health.failing < most) {
    const decay = Math.exp((health.answeredAt - now) / usualMs)
    health.answers = health.answers * decay + 1
    health.seen = 1 - (1 - health.seen) * decay
  }
  health.answeredAt = now
  health.failing -= health.failing * weight
}

/** So many were under way when a good answer ended: it is not for their number that others are refused. */
export function prove(health: Health, inFlight: number): void {
  if (inFlight > health.proven) health.proven = inFlight
}

/** Takes note of a failure that is not the request's own. */
export function noteFault(health: Health): void {
  health.failing += (1 - health.failing) * weight
}

/** Whether most requests fail. */
export function isDown({ failing }: Health): boolean {
  return failing >= most
}

/** How many are answered in a millisecond in better times; `undefined` where these were too short to tell. */
export function usualPerMs({ answers, seen }: Health): number | undefined {
  return seen < leastSeen ? undefined : answers / (seen * usualMs)
}
