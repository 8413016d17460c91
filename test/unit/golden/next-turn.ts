import { fieldsOf, listOf } from '../../../src/protocols/fields'
import type { WireProtocolId } from '../../../src/protocols/protocol'

/** The next request of a client that sends an answer back as it got it, which is what SDKs and agents do. */
export function nextTurn(protocol: WireProtocolId, reply: unknown): unknown {
  const fields = fieldsOf(reply)
  switch (protocol) {
    case 'openai-chat': {
      const { message } = fieldsOf(listOf(fields.choices)[0])
      return {
        model: 'model-1',
        messages: [{ role: 'user', content: 'First.' }, message, { role: 'user', content: 'Next.' }],
      }
    }
    case 'openai-responses':
      return {
        model: 'model-1',
        input: [
          { role: 'user', content: 'First.' },
          ...listOf(fields.output),
          { role: 'user', content: 'Next.' },
        ],
      }
    case 'anthropic':
      return {
        model: 'model-1',
        max_tokens: 10,
        messages: [
          { role: 'user', content: 'First.' },
          { role: 'assistant', content: fields.content },
          { role: 'user', content: 'Next.' },
        ],
      }
    case 'gemini': {
      const { content } = fieldsOf(listOf(fields.candidates)[0])
      return {
        contents: [
          { role: 'user', parts: [{ text: 'First.' }] },
          content ?? { role: 'model', parts: [{ text: 'nothing' }] },
          { role: 'user', parts: [{ text: 'Next.' }] },
        ],
      }
    }
    case 'bedrock-converse':
      throw new Error('no client speaks it')
  }
}
