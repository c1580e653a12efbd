import type Anthropic from '@anthropic-ai/sdk'

/** One try of a call, by whatever client and model the handler wants. */
export type Operation = (client: Anthropic, model: string) => Promise<Anthropic.Message>

/** How an application makes its calls. */
export type Handler = (operation: Operation) => Promise<Anthropic.Message>
