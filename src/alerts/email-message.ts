import { type AlertEvent, toldOf } from './event'

/** A mail in the form that Cloudflare's binding takes, and mail services with an HTTP API. */
export interface Mail {
  from: string
  to: string[]
  subject: string
  text: string
  html: string
}

/** An event as a mail. */
export function emailMessage(event: AlertEvent, { from, to }: { from: string; to: string[] }): Mail {
  const { title, summary, facts } = toldOf(event)
  const time = new Date(event.createdAtMs).toISOString()
  const rows = facts.map(([label, value]) => `<tr><td>${escaped(label)}</td><td>${escaped(value)}</td></tr>`)
  return {
    from,
    to,
    // A line break would begin another header.
    subject: title.replaceAll(/[\r\n]+/g, ' '),
    text: [
      summary,
      '',
      ...facts.map(([label, value]) => `${label}: ${value}`),
      '',
      `${event.kind}, ${time}, ${event.id}`,
    ].join('\n'),
    html: `<p>${escaped(summary)}</p><table>${rows.join('')}</table><p>${event.kind}, ${time}, ${event.id}</p>`,
  }
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
