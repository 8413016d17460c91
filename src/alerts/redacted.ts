import type { ChannelTarget } from './channel'

const REDACTED = '[redacted]'
/** What is shorter would be found everywhere, and is no secret. */
const SHORTEST = 4

/** A text without the secrets of a channel: the address, its path, and the keys. */
export function redacted(text: string, { url, secret, apiKey }: ChannelTarget): string {
  return (
    [...partsOf(url), secret, apiKey]
      .filter((part) => part !== undefined && part.length >= SHORTEST)
      // The longest first: a secret that begins another one would leave the rest of that.
      .sort((a = '', b = '') => b.length - a.length)
      .reduce<string>((clean, part = '') => clean.replaceAll(part, REDACTED), text)
  )
}

function partsOf(url: string | undefined): string[] {
  if (url === undefined || !URL.canParse(url)) return []
  const { href, pathname, search } = new URL(url)
  return [url, href, `${pathname}${search}`, pathname, search.slice(1), ...pathname.split('/')]
}
