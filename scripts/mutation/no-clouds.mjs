/** Stands in for the cloud SDKs, which take twice as long to load as all that the tests of a mutant need. */
export const AnthropicBedrock = undefined
export const AnthropicFoundry = undefined
export const AnthropicVertex = undefined
