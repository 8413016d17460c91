import type { PromptMessage } from '../platform/prompt-content'
import type { ImageVariable } from './typed-variables'

type Part = Readonly<Record<string, unknown>>

/** Messages with images in the places of their marks: a text around one becomes the parts before and behind it. */
export function withImages(messages: PromptMessage[], images: readonly ImageVariable[]): PromptMessage[] {
  if (images.length === 0) return messages
  return messages.map((message) => {
    const { content } = message
    if (typeof content === 'string') {
      const parts = partsOf(content, images)
      return parts.some(({ type }) => type === 'image_url') ? { ...message, content: parts } : message
    }
    if (content === null || content === undefined) return message
    return { ...message, content: content.flatMap((part) => placed(part, images)) }
  })
}

function placed(part: Part, images: readonly ImageVariable[]): Part[] {
  const { type, text } = part
  if (type === 'text' && typeof text === 'string') {
    const [first, ...others] = partsOf(text, images)
    if (first?.['type'] !== 'text' || others.length > 0) return partsOf(text, images)
    return [part]
  }
  if (type !== 'image_url') return [part]
  // A part that is an image already, with a variable for its address.
  const found = images.find(({ mark }) => JSON.stringify(part).includes(JSON.stringify(mark).slice(1, -1)))
  return found === undefined ? [part] : [{ ...part, image_url: { ...fieldsOf(part), ...found.image } }]
}

function fieldsOf({ image_url: image }: Part): object {
  return typeof image === 'object' && image !== null ? image : {}
}

function partsOf(text: string, images: readonly ImageVariable[]): Part[] {
  const at = images
    .map(({ mark, image }) => ({ mark, image, start: text.indexOf(mark) }))
    .filter(({ start }) => start !== -1)
    .sort((one, other) => one.start - other.start)[0]
  if (at === undefined) return text.trim() === '' ? [] : [{ type: 'text', text }]
  return [
    ...partsOf(text.slice(0, at.start), []),
    { type: 'image_url', image_url: at.image },
    ...partsOf(text.slice(at.start + at.mark.length), images),
  ]
}
