/** A database that answers nothing, as D1 does when it is away. */
export function awayDatabase(): D1Database {
  const fail = () => Promise.reject(new Error('D1_ERROR: the database is away'))
  const statement: D1PreparedStatement = {
    bind: () => statement,
    first: fail,
    run: fail,
    all: fail,
    raw: fail,
  }
  const session: D1DatabaseSession = { prepare: () => statement, batch: fail, getBookmark: () => null }
  return { prepare: () => statement, batch: fail, exec: fail, dump: fail, withSession: () => session }
}
