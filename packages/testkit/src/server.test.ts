import { type AddressInfo, connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { createFakeAnthropic, type FakeAnthropic, type FakeAnthropicOptions } from './server.ts'
import { describeError, params } from './testing/transports.ts'

const post = { method: 'POST', body: JSON.stringify(params) }
const streamed = { method: 'POST', body: JSON.stringify({ ...params, stream: true }) }

describe('createFakeAnthropic', () => {
  let fake: FakeAnthropic
  afterEach(() => fake.close())

  async function start(options: FakeAnthropicOptions = {}): Promise<string> {
    fake = await createFakeAnthropic(options)
    return `${fake.url}/v1/messages`
  }
  async function caught(promise: Promise<unknown>): Promise<string> {
    return promise.then(() => 'nothing', describeError)
  }

  it('listens on loopback, on a free port', async () => {
    await start()
    expect(fake.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  })

  it.each([
    ['a hang', { network: 'hang' }],
    ['a delay', { delayMs: 60_000 }],
    ['a stall', { fault: 'stall' }],
    ['a drip', { fault: { kind: 'drip', gapMs: 60_000 } }],
    ['pings', { fault: 'pings' }],
    ['an endless body', { endless: true }],
  ] as const)('closes at once during %s', async (_name, entry) => {
    const url = await start({ script: [entry] })
    const answer = caught(fetch(url, streamed).then((response) => response.text()))
    await expect.poll(() => fake.requests.length).toBe(1)
    const startedAt = performance.now()
    await fake.close()
    await fake.close()
    expect(performance.now() - startedAt).toBeLessThan(500)
    expect(await answer).not.toBe('nothing')
    expect(fake.requests[0]).toMatchObject({ aborted: false, closedAt: expect.any(Number) })
  })

  it('refuses connections while it is down', async () => {
    const url = await start()
    expect((await fetch(url, post)).status).toBe(200)
    await fake.down()
    expect(await caught(fetch(url, post))).toMatch(
      /^TypeError: fetch failed < Error: connect ECONNREFUSED 127.0.0.1/,
    )
    await fake.up()
    await fake.up()
    expect((await fetch(url, post)).status).toBe(200)
    expect(fake.requests).toHaveLength(2)
  })

  it('resets where it cannot refuse', async () => {
    const url = await start({ script: [{ network: 'refused' }] })
    expect(await caught(fetch(url, post))).toBe('TypeError: fetch failed < Error: read ECONNRESET ECONNRESET')
  })

  it('honours back-pressure in an endless body', async () => {
    const url = new URL(await start({ script: [{ status: 500, endless: true }] }))
    const socket = connect(Number(url.port), url.hostname)
    socket.pause()
    socket.write('POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n')
    let before = -1
    await expect
      .poll(
        () => {
          const still = fake.requests[0]?.bytesSent === before && before > 0
          before = fake.requests[0]?.bytesSent ?? 0
          return still
        },
        { interval: 40, timeout: 20_000 },
      )
      .toBe(true)
    socket.destroy()
    await expect.poll(() => fake.requests[0]?.aborted).toBe(true)
  })

  it('fails when the port is taken', async () => {
    const other = createServer()
    const port = await new Promise<number>((resolve) => {
      other.listen(0, '127.0.0.1', () => resolve((other.address() as AddressInfo).port))
    })
    await expect(start({ port })).rejects.toThrow('EADDRINUSE')
    other.close()
  })

  it('ends a body between events when the client leaves', async () => {
    const url = await start({ script: [{ gapMs: 5, repeat: 'forever' }] })
    const control = new AbortController()
    const response = await fetch(url, { ...streamed, signal: control.signal })
    await response.body?.getReader().read()
    control.abort()
    await expect.poll(() => fake.requests[0]?.aborted).toBe(true)
    const sent = fake.requests[0]?.bytesSent
    await sleep(20)
    expect(fake.requests[0]?.bytesSent).toBe(sent)
    expect(fake.requests[0]?.eventsSent).not.toContain('message_stop')
  })

  it('names a wrong option', async () => {
    await start()
    await expect(createFakeAnthropic({ port: -1 })).rejects.toThrow(
      'Expected `port` to be an integer between 0 and 65535, got -1.',
    )
  })
})
