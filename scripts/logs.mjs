/** `SLUICE_URL=... SLUICE_ADMIN_KEY=... npm run logs -- replay`: hands what the log store gave up on to the queue again. */
const [command] = process.argv.slice(2)
const { SLUICE_URL = 'http://127.0.0.1:8787', SLUICE_ADMIN_KEY } = process.env

if (command !== 'replay' || SLUICE_ADMIN_KEY === undefined) {
  console.error('Usage: SLUICE_URL=https://... SLUICE_ADMIN_KEY=... npm run logs -- replay')
  process.exit(2)
}

for (const kind of ['dead-letters', 'undelivered']) {
  let cursor
  let replayed = 0
  const unreadable = []
  do {
    const url = new URL('/api/request-logs/replay/', SLUICE_URL)
    url.searchParams.set('kind', kind)
    if (cursor !== undefined) url.searchParams.set('cursor', cursor)
    const response = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${SLUICE_ADMIN_KEY}` },
    })
    const answer = await response.json()
    if (!response.ok) {
      console.error(`${response.status}: ${JSON.stringify(answer)}`)
      process.exit(1)
    }
    replayed += answer.replayed
    unreadable.push(...answer.unreadable)
    cursor = answer.cursor
  } while (cursor !== undefined)
  console.log(`${kind}: ${replayed} replayed, ${unreadable.length} are no log records and stay`)
  for (const key of unreadable) console.log(`  ${key}`)
}
