/**
 * What a request puts off until after its answer, as one promise for the runtime: each call of `waitUntil` costs about
 * as much as all the rest of putting something off.
 */
export function backgroundOf(context: Pick<ExecutionContext, 'waitUntil'>): (work: Promise<unknown>) => void {
  let open = 0
  let over: PromiseWithResolvers<void> | undefined
  const done = () => {
    open--
    if (open > 0) return
    over?.resolve()
    over = undefined
  }
  const failed = (cause: unknown) => {
    // As ever, the runtime tells of what nobody has caught.
    context.waitUntil(Promise.reject(cause))
    done()
  }
  return (work) => {
    open++
    if (over === undefined) {
      over = Promise.withResolvers()
      context.waitUntil(over.promise)
    }
    work.then(done, failed)
  }
}
