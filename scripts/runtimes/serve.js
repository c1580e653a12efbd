import { runCases } from './framework.js'
import { connect } from './upstream.js'

/** @param {Request} request */
export async function serve(request) {
  const url = new URL(request.url)
  connect(url.searchParams.get('control') ?? '')
  return Response.json(await runCases())
}
