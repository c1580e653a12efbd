/** `main.js <url>`: the suite in Node, Bun and Deno. It has to end by itself. */
import './package-cases.js'
import './limit-cases.js'
import './otel-cases.js'
import './breaker-cases.js'
import './stack-cases.js'
import { runCases } from './framework.js'
import { connect } from './upstream.js'

const [url = ''] = process.argv.slice(2)
connect(url)
const { bun, deno, node } = process.versions
const outcome = await runCases()
console.log(JSON.stringify({ version: bun ?? deno ?? node, lastAt: Date.now(), ...outcome }))
