import type { Asked } from '../dialect'
import { status } from '../faults'
import { pathOf } from '../fields'
import { openAi } from '../provider-errors'
import { json, type Step } from '../steps'
import { invalid } from './form'

/** What is done with a response that was kept: GET, DELETE, POST cancel, GET input_items. */
export function storedStep({ call, store }: Asked): Step | undefined {
  const [, id = '', action] = /\/responses\/([^/]+)(?:\/(\w+))?$/.exec(pathOf(call)) ?? []
  if (id === '') return undefined
  const kept = store.responses.get(id)
  if (kept === undefined) {
    const message = `Response with id '${id}' not found.`
    return status(404, openAi(message, 'invalid_request_error', null, 'response_id').body)
  }
  const { response, input } = kept
  switch (`${call.method} ${action ?? ''}`) {
    case 'GET ':
      return json(response)
    case 'DELETE ':
      store.responses.delete(id)
      return json({ id, object: 'response', deleted: true })
    case 'POST cancel': {
      if (response['background'] !== true) return invalid('Cannot cancel a synchronous response.')
      const cancelled = { ...response, status: 'cancelled', output: [] }
      store.responses.set(id, { response: cancelled, input })
      return json(cancelled)
    }
    case 'GET input_items': {
      const data = input.map((item, index) => Object.assign({ id: `item_${index}` }, item)).reverse()
      return json({ object: 'list', data, first_id: data[0]?.id, last_id: data.at(-1)?.id, has_more: false })
    }
    default:
      return status(404, openAi(`Invalid URL (${call.method} ${pathOf(call)})`, 'invalid_request_error').body)
  }
}
