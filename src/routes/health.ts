import type { OpenRoute } from './route'

/** That the worker runs; it touches nothing, so it also answers while every database is away. */
export const health: OpenRoute = {
  method: 'GET',
  paths: ['/', '/health', '/api/health'],
  auth: 'none',
  logging: 'none',
  handle: async () => Response.json({ status: 'ok', service: 'sluice' }),
}
