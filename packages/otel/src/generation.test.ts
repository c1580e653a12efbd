import * as api from '@opentelemetry/api'
import { expect, inject, it } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    /** Of OpenTelemetry's SDK. */
    generation: number
  }
}

it('runs on the generation that it says', () => {
  // New in API 1.10, which SDK 3 asks for.
  expect('logs' in api).toBe(inject('generation') === 3)
})
