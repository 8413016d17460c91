import { explain } from '../pipeline/explain'
import { namedPin } from './answers'
import { aboutCall } from './described-call'
import type { KeyedRoute } from './route'

/** What would be done with a request, without doing it. */
export const explainRoute: KeyedRoute = {
  method: 'POST',
  paths: ['/api/explain'],
  auth: 'any_key',
  logging: 'none',
  errors: 'sdk',
  handle: (context, caller) =>
    aboutCall(context, (exchange) =>
      explain(exchange, context.isolate, { caller, pin: namedPin(context.request) }),
    ),
}
