import type { ManagementRoute } from './route'

type Handler = ManagementRoute['handle']

/** What can be done with a stored noun; what is absent is not served. */
export interface NounHandlers {
  list?: Handler
  create?: Handler
  read?: Handler
  change?: Handler
  replace?: Handler
  remove?: Handler
}

/** The management routes of a noun: its list at `collection`, one of it at `item`, for admin keys only. */
export function adminRoutes(collection: string, item: string, handlers: NounHandlers): ManagementRoute[] {
  const { list, create, read, change, replace, remove } = handlers
  const all: [ManagementRoute['method'], string, Handler | undefined][] = [
    ['GET', collection, list],
    ['POST', collection, create],
    ['GET', item, read],
    ['PATCH', item, change],
    ['PUT', item, replace],
    ['DELETE', item, remove],
  ]
  return all.flatMap(([method, path, handle]) =>
    handle === undefined ? [] : [{ method, paths: [path], auth: 'admin', logging: 'none', handle }],
  )
}
