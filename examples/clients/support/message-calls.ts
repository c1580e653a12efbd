import type Anthropic from '@anthropic-ai/sdk'
import type { Calls } from './prove.ts'
import { primary } from './options.ts'

/** What the client of the SDK and those of the clouds have. */
export interface MessageClient {
  readonly messages: Pick<Anthropic['messages'], 'create'>
}

const question: Anthropic.MessageCreateParamsNonStreaming = {
  model: primary,
  max_tokens: 100,
  messages: [{ role: 'user', content: 'Hello' }],
}

/** Both calls of a client of the SDK. */
export function messageCalls({ messages }: MessageClient): Calls {
  return {
    async create(signal) {
      const { content } = await messages.create(question, { signal })
      return content.map((block) => (block.type === 'text' ? block.text : '')).join('')
    },
    async stream(signal) {
      let text = ''
      for await (const event of await messages.create({ ...question, stream: true }, { signal })) {
        if (event.type === 'content_block_delta' && event.delta.type === 'text_delta')
          text += event.delta.text
      }
      return text
    },
  }
}
