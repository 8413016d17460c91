import type { Result, Router } from 'hono/router'
import { TrieRouter } from 'hono/router/trie-router'

/**
 * Paths without parameters, which are the hot ones, by one look into a map; everything else by Hono's own trie.
 * Handlers of a path do not chain here: each path and method has one.
 */
export class StaticFirstRouter<T> implements Router<T> {
  readonly name = 'StaticFirstRouter'
  readonly #byPath = new Map<string, Result<T>>()
  readonly #others = new TrieRouter<T>()

  add(method: string, path: string, handler: T): void {
    if (/[:*{]/.test(path)) this.#others.add(method, path, handler)
    else this.#byPath.set(`${method} ${path}`, [[[handler, {}]]])
  }

  match(method: string, path: string): Result<T> {
    return this.#byPath.get(`${method} ${path}`) ?? this.#others.match(method, path)
  }
}
