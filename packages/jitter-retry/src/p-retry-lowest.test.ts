import { vi } from 'vitest'
import { behaviour } from './testing/behaviour.ts'
import { lifecycle } from './testing/lifecycle.ts'

vi.mock('p-retry', () => import('p-retry-lowest'))

behaviour('p-retry 7.1')
lifecycle('p-retry 7.1')
