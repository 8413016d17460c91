/** Signals and process groups: so that a stopped script leaves nothing running. */

/** Calls back when we are told to stop; the returned function ends that. */
export function onStop(callback) {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, callback)
  // A signal to npm alone ends npm and its shell and does not get here: then our parent is gone.
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent || process.env.npm_command === undefined) return
    clearInterval(watch)
    callback('SIGTERM')
  }, 300).unref()
  return () => {
    clearInterval(watch)
    for (const signal of signals) process.off(signal, callback)
  }
}

/** Ends a child that leads a process group: asks it, waits a little, then kills what is left of the group. */
export function stopGroup(child) {
  child.kill('SIGTERM')
  setTimeout(() => killGroup(child), 5000).unref()
}

/** Kills all that is left of the process group that a child leads. */
export function killGroup(child) {
  try {
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}

/** Keeps what a child prints; the returned function tells it. */
export function collect(child) {
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
    })
  }
  return () => text
}

/** Runs a script's main function: its number is the exit code, its error is shown without a stack. */
export async function runMain(script) {
  try {
    process.exitCode = (await script()) ?? 0
  } catch (error) {
    console.error(`\n${error.message}`)
    process.exitCode = 1
  }
}
