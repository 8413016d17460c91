import * as z from 'zod'
import { SluiceError } from '../platform/failure'

const MAX_BODY_CHARACTERS = 1024 * 1024
const MAX_PAGE_SIZE = 1_000

/** The request's JSON body in the shape of a schema, or a refusal that names each field. */
export async function readJson<T>(request: Request, schema: z.core.$ZodType<T>): Promise<T> {
  const text = await request.text()
  if (text.length > MAX_BODY_CHARACTERS)
    throw new SluiceError({ kind: 'body_too_large', message: 'The body is larger than 1 MiB.' })
  return checked(parseJson(text), schema)
}

/** A value in the shape of a schema, or a refusal that names each field. */
export function checked<T>(value: unknown, schema: z.core.$ZodType<T>): T {
  const parsed = z.safeParse(schema, value)
  if (parsed.success) return parsed.data
  const errors: Record<string, string[]> = {}
  for (const issue of parsed.error.issues) {
    const field = issue.path.length === 0 ? 'body' : issue.path.join('.')
    errors[field] = [...(errors[field] ?? []), issue.message]
  }
  throw new SluiceError({ kind: 'validation', errors })
}

/** `page` and `page_size` of a list request. */
export function pagingOf(url: URL, defaultSize: number): { page: number; pageSize: number } {
  return {
    page: positive(url, 'page', 1, Number.MAX_SAFE_INTEGER),
    pageSize: positive(url, 'page_size', defaultSize, MAX_PAGE_SIZE),
  }
}

/** A list in Respan's shape, one page of it. */
export function listed(
  url: URL,
  found: { count: number; page: number; pageSize: number; results: unknown[] },
): Response {
  return Response.json({ ...linksOf(url, found), results: found.results })
}

/** How many there are, and where the pages beside this one are. */
export function linksOf(
  url: URL,
  { count, page, pageSize }: { count: number; page: number; pageSize: number },
) {
  const linkTo = (other: number) => {
    const link = new URL(url)
    link.searchParams.set('page', String(other))
    return link.href
  }
  const next = page * pageSize < count ? linkTo(page + 1) : null
  return { count, next, previous: page > 1 ? linkTo(page - 1) : null }
}

/** One page of a list that is in memory. */
export function pageOf(url: URL, all: unknown[]): Response {
  const { page, pageSize } = pagingOf(url, 50)
  return listed(url, {
    count: all.length,
    page,
    pageSize,
    results: all.slice((page - 1) * pageSize, page * pageSize),
  })
}

/** One page of rows, each shown in a way that takes its time: what is on other pages is not asked for. */
export async function pageOfShown<Row>(
  url: URL,
  rows: readonly Row[],
  show: (rows: readonly Row[]) => Promise<unknown[]>,
): Promise<Response> {
  const { page, pageSize } = pagingOf(url, 50)
  const results = await show(rows.slice((page - 1) * pageSize, page * pageSize))
  return listed(url, { count: rows.length, page, pageSize, results })
}

/** The refusal of something that is not there. */
export function notFound(): SluiceError {
  return new SluiceError({ kind: 'not_found', message: 'Not found.' })
}

/** The refusal of one field. */
export function invalidField(field: string, problem: string): SluiceError {
  return new SluiceError({ kind: 'validation', errors: { [field]: [problem] } })
}

/** A success without a body. */
export function noContent(): Response {
  return new Response(null, { status: 204 })
}

/** A time of the query, in milliseconds since 1970; undefined when it is not given. */
export function timeOf(url: URL, name: string): number | undefined {
  const text = url.searchParams.get(name)
  if (text === null) return undefined
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) throw invalidField(name, 'must be an ISO 8601 time')
  return ms
}

function positive(url: URL, name: string, fallback: number, most: number): number {
  const text = url.searchParams.get(name)
  if (text === null) return fallback
  const number = Number(text)
  if (Number.isInteger(number) && number >= 1 && number <= most) return number
  throw new SluiceError({
    kind: 'validation',
    errors: { [name]: [`must be a whole number from 1 to ${most}`] },
  })
}

/** The value of a body's JSON text, or a refusal. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `Invalid request format: the body is not valid JSON (${reason}).`
    throw new SluiceError({ kind: 'invalid_request', code: 'invalid_json', message })
  }
}
