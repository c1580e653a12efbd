import fc from 'fast-check'

// The same runs for every mutant: one that survives has survived the tests, not the luck.
fc.configureGlobal({ seed: 20, numRuns: 20 })
