// Started by children.mjs: ends the children and removes the folders of a bench that was killed outright.
import { rmSync } from 'node:fs'

const groups = new Set()
const folders = new Set()

process.on('message', ({ group, folder }) => {
  if (group) groups.add(group)
  if (folder) folders.add(folder)
})

process.on('disconnect', () => {
  for (const group of groups) {
    try {
      process.kill(-group, 'SIGKILL')
    } catch {
      // It ended in good order.
    }
  }
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})
