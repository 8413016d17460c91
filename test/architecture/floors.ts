import { posix } from 'node:path'
import type { SourceFile } from './source'

/** From top to bottom; rooms are the folders of src/, and the entries. */
export const floors: readonly (readonly string[])[] = [
  ['gateway', 'consumer'],
  ['routes', 'management'],
  ['pipeline'],
  ['keys', 'prompts', 'routing', 'limits', 'idempotency', 'cache', 'logs', 'alerts', 'redaction'],
  ['providers', 'flights'],
  ['protocols'],
  ['platform'],
]

/** Rooms that a room may not see, although they are below it. */
const forbidden: Readonly<Record<string, readonly string[]>> = {
  consumer: ['routes', 'pipeline'],
  management: ['pipeline'],
}

/** The room a file is in: its folder, or the entry itself. */
export function roomOf(path: string): string {
  return path.replace(/\/.*$|\.ts$/, '')
}

/** Imports that climb a floor, reach into a neighbour or a forbidden room, or lead to or from an unknown room. */
export function wrongWayImports(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    importsOf(file)
      .filter((target) => !isAllowed(roomOf(file.path), roomOf(target)))
      .map((target) => `${file.path} -> ${target}`),
  )
}

function isAllowed(from: string, to: string): boolean {
  const [fromFloor, toFloor] = [floorOf(from), floorOf(to)]
  if (fromFloor === -1 || toFloor === -1) return false
  return from === to || (toFloor > fromFloor && forbidden[from]?.includes(to) !== true)
}

function floorOf(room: string): number {
  return floors.findIndex((rooms) => rooms.includes(room))
}

/** The files that a file imports, types too, as paths from src/ on. */
export function importsOf({ path, uncommented }: SourceFile): string[] {
  const specifiers = uncommented.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"](\.[^'"]*)['"]/g)
  return [...specifiers].map(([, specifier = '']) => posix.join(posix.dirname(path), specifier))
}
