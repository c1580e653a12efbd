/** What runs in workerd without `nodejs_compat`: all but `circuitBreaker`. */
import './package-cases.js'
import './limit-cases.js'
import './otel-cases.js'
import { serve } from './serve.js'

export default { fetch: serve }
