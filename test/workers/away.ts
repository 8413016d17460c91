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

/** The database that the state holds at each call, so that a test can take it away and bring it back. */
export function switchedDatabase(state: { database: D1Database }): D1Database {
  return new Proxy(state.database, { get: (_, name) => bound(state.database, name) })
}

/** D1 as it is, telling how large each parameter is that a statement is given. */
export function measuredDatabase(database: D1Database, measure: (bytes: number) => void): D1Database {
  return new Proxy(database, {
    get(target, name) {
      if (name !== 'prepare') return bound(target, name)
      return (query: string) =>
        new Proxy(target.prepare(query), {
          get(statement, method) {
            if (method !== 'bind') return bound(statement, method)
            return (...values: unknown[]) => {
              for (const value of values) measure(new TextEncoder().encode(String(value)).length)
              return statement.bind(...values)
            }
          },
        })
    },
  })
}

function bound(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name)
  return typeof value === 'function' ? value.bind(target) : value
}
