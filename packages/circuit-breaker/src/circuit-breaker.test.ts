import { behaviour } from './testing/behaviour.ts'
import { opossumDefects } from './testing/opossum-defects.ts'
import { streams } from './testing/streams.ts'

behaviour('opossum 10')
streams('opossum 10')
opossumDefects('opossum 10')
