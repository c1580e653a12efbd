import { vi } from 'vitest'
import { behaviour } from './testing/behaviour.ts'
import { opossumDefects } from './testing/opossum-defects.ts'
import { streams } from './testing/streams.ts'

// @ts-expect-error: it has no types of its own
vi.mock('opossum', () => import('opossum-lowest'))

behaviour('opossum 9')
streams('opossum 9')
opossumDefects('opossum 9')
