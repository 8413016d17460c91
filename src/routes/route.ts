import type { Caller } from '../keys/authenticate'
import type { Isolate } from '../pipeline/isolate'
import type { GatewayEnv } from '../pipeline/stages'
import type { Effects } from '../platform/effects'

/** What a route is given: one HTTP request, and what it may use. */
export interface RouteContext {
  request: Request
  /** Decoded path parameters. */
  params: Readonly<Record<string, string>>
  env: GatewayEnv
  effects: Effects
  isolate: Isolate
  /** Keeps work alive after the response. */
  background(work: Promise<unknown>): void
}

/** A route that authenticates in the pipeline and leaves a request log whatever happens. */
export interface InferenceRoute {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  paths: readonly string[]
  auth: 'inference'
  logging: 'request'
  handle(context: RouteContext): Promise<Response>
}

/** A route whose caller is known before it runs. */
export interface KeyedRoute {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  paths: readonly string[]
  auth: 'admin' | 'any_key'
  logging: 'none'
  /** The shape of its errors; Respan's when absent. */
  errors?: 'sdk'
  handle(context: RouteContext, caller: Caller): Promise<Response>
}

/** A route that anybody may call, since it tells nothing about anybody. */
export interface OpenRoute {
  method: 'GET'
  paths: readonly string[]
  auth: 'none'
  logging: 'none'
  handle(context: RouteContext): Promise<Response>
}

/** Every route says who may call it and whether it leaves a log record. */
export type Route = InferenceRoute | KeyedRoute | OpenRoute

/** Inference paths are served under all of these, so that any usual base URL works. */
export const BASES = ['', '/v1', '/api', '/api/v1']
