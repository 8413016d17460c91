import type { Protocol } from '../protocol'
import { type Endpoint, mediaEndpoint } from './endpoint'
import { readListReply } from './reply'

/** A field of a form is text whatever it means. */
const COUNT = ['number', 'string'] as const
const OPTIONS: Endpoint['kinds'] = { prompt: ['string'], n: COUNT, size: ['string'], partial_images: COUNT }

/** OpenAI Images: pictures from a text. */
export const imageGenerations = images('generations', ['prompt'])

/** OpenAI Images: pictures from other pictures and a text; the pictures are files of a form, or named in JSON. */
export const imageEdits = images('edits', ['prompt'], { forms: 'too' })

/** OpenAI Images: pictures like another one. */
export const imageVariations = images('variations', ['image'], { forms: 'only' })

function images(path: string, required: string[], more: Partial<Protocol> = {}): Protocol {
  return mediaEndpoint(
    {
      id: `openai-images-${path}`,
      logType: 'image',
      path: `/images/${path}`,
      kinds: { ...OPTIONS, image: ['file', 'array', 'string'] },
      required,
      input: ['prompt'],
      own: ['prompt'],
      readReply: (bytes) => readListReply(bytes, ['data']),
    },
    more,
  )
}
