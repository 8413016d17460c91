import { type AlertEvent, toldOf } from './event'

/** The most that Slack takes in a header and in a field (Block Kit reference). */
const MAX_HEADER = 150
const MAX_TEXT = 2_000

/** An event for an incoming webhook of Slack's: blocks, and the plain text that notifications show. */
export function slackMessage(event: AlertEvent) {
  const { title, summary, facts } = toldOf(event)
  const seconds = Math.floor(event.createdAtMs / 1_000)
  const iso = new Date(event.createdAtMs).toISOString()
  const time = `<!date^${seconds}^{date_short_pretty} {time}|${iso}>`
  return {
    text: escaped(`${title}: ${summary}`),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: title.slice(0, MAX_HEADER) } },
      { type: 'section', text: markdown(escaped(summary)) },
      ...(facts.length === 0
        ? []
        : [
            {
              type: 'section',
              fields: facts.map(([label, value]) => markdown(`*${escaped(label)}*\n${escaped(value)}`)),
            },
          ]),
      { type: 'context', elements: [markdown(`${escaped(event.kind)} · ${time} · ${event.id}`)] },
    ],
  }
}

function markdown(text: string) {
  return { type: 'mrkdwn', text: text.slice(0, MAX_TEXT) }
}

/** Slack's three control characters (Slack, "Formatting text for app surfaces"). */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
