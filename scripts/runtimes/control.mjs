import { createServer } from 'node:http'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * Starts the fake APIs that the suite asks for, with the testkit of a project. `POST /` with `{ script }` gives `{ id, url }`,
 * `GET /<id>` its requests, `DELETE /<id>` ends it.
 * @param {string} dir
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export async function startControl(dir) {
  const testkit = join(dir, 'node_modules', '@breakwater', 'testkit', 'dist', 'index.js')
  /** @type {typeof import('../../packages/testkit/src/index.ts')} */
  const { createFakeAnthropic } = await import(pathToFileURL(testkit).href)
  /** @type {Map<string, Awaited<ReturnType<typeof createFakeAnthropic>>>} */
  const fakes = new Map()
  let started = 0

  /**
   * @param {import('node:http').IncomingMessage} request
   * @returns {Promise<unknown>}
   */
  async function answer(request) {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    if (request.method === 'POST') {
      const fake = await createFakeAnthropic(JSON.parse(body))
      const id = String(++started)
      fakes.set(id, fake)
      return { id, url: fake.url }
    }
    const id = request.url?.slice(1) ?? ''
    const fake = fakes.get(id)
    if (request.method === 'DELETE') {
      fakes.delete(id)
      await fake?.close()
    }
    return fake?.requests.map(({ model, stream, aborted }) => ({ model, stream, aborted }))
  }

  const server = createServer((request, response) => {
    answer(request).then(
      (value) => response.end(JSON.stringify(value ?? null)),
      (error) => response.writeHead(500).end(String(error)),
    )
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    async close() {
      server.close()
      server.closeAllConnections()
      for (const fake of fakes.values()) await fake.close()
    },
  }
}
