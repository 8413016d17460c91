import type { JsonObject } from '../chat-request'
import type { Asked } from '../dialect'
import { status } from '../faults'
import { bodyOf, fieldsOf, pathOf, stringOf } from '../fields'
import { openAi } from '../provider-errors'
import { json, raw, type Step } from '../steps'
import type { Store } from '../store'
import { fakeId } from '../tokens'
import { seconds } from './endpoint'

/** /files: upload, list, get, delete, content. */
export async function filesStep({ call, store }: Asked): Promise<Step> {
  const upload = await uploaded({ call })
  const [, id = '', action = ''] = /\/files(?:\/([^/]+))?(?:\/(\w+))?$/.exec(pathOf(call)) ?? []
  if (id === '' && call.method === 'GET') return listed([...store.files.values()].map(({ file }) => file))
  if (id === '' && call.method === 'POST') {
    const purpose = call.form?.get('purpose')
    if (upload === undefined || typeof purpose !== 'string')
      return missing(upload === undefined ? 'file' : 'purpose')
    return json(keptFile(store, upload, purpose, fakeId('file-', 24, call.id)))
  }
  const kept = store.files.get(id)
  if (kept === undefined) {
    return status(404, openAi(`No such File object: ${id}`, 'invalid_request_error', null, 'id').body)
  }
  if (call.method === 'DELETE') {
    store.files.delete(id)
    return json({ id, object: 'file', deleted: true })
  }
  const headers = { 'content-type': 'application/octet-stream' }
  return action === 'content' ? raw({ headers, chunks: [kept.bytes] }) : json(kept.file)
}

interface Upload {
  name: string
  bytes: Uint8Array
}

async function uploaded({ call }: Pick<Asked, 'call'>): Promise<Upload | undefined> {
  const file = call.form?.get('file')
  if (!(file instanceof File)) return undefined
  return { name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) }
}

/** /batches: create, list, get, cancel. A batch is done when it is first looked at. */
export function batchesStep({ call, store }: Asked): Step {
  const [, id = '', action = ''] = /\/batches(?:\/([^/]+))?(?:\/(\w+))?$/.exec(pathOf(call)) ?? []
  if (id === '' && call.method === 'GET') return listed([...store.batches.values()])
  if (id === '') return createdBatch({ call, store })
  const batch = store.batches.get(id)
  if (batch === undefined) {
    return status(404, openAi(`No batch found with id '${id}'.`, 'invalid_request_error').body)
  }
  const next =
    action === 'cancel' ? { ...batch, status: 'cancelling', cancelling_at: seconds() } : done(store, batch)
  store.batches.set(id, next)
  return json(next)
}

function createdBatch({ call, store }: Asked): Step {
  const { input_file_id, endpoint, completion_window, metadata } = bodyOf(call)
  const file = stringOf(input_file_id)
  if (file === '') return missing('input_file_id')
  if (!store.files.has(file)) {
    return status(
      400,
      openAi(`Invalid file_id: ${file}`, 'invalid_request_error', null, 'input_file_id').body,
    )
  }
  const id = fakeId('batch_', 32, call.id)
  const batch: JsonObject = {
    id,
    object: 'batch',
    endpoint: stringOf(endpoint),
    errors: null,
    input_file_id: file,
    completion_window: stringOf(completion_window),
    status: 'validating',
    output_file_id: null,
    error_file_id: null,
    created_at: seconds(),
    expires_at: seconds() + 86_400,
    request_counts: { total: 0, completed: 0, failed: 0 },
    metadata: JSON.parse(JSON.stringify(metadata ?? null)),
  }
  store.batches.set(id, batch)
  return json(batch)
}

/** Every line of the input is answered with the line's own id. */
function done(store: Store, batch: JsonObject): JsonObject {
  if (batch['status'] !== 'validating') return batch
  const input = store.files.get(stringOf(batch['input_file_id']))?.bytes ?? Buffer.alloc(0)
  const text: string = Buffer.from(input).toString()
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const answers = lines.map((line) => {
    const { custom_id, body } = fieldsOf(JSON.parse(line))
    const response = { status_code: 200, request_id: 'req_batch', body: { echo: body } }
    return JSON.stringify({ id: `batch_req_${String(custom_id)}`, custom_id, response, error: null })
  })
  const upload = { name: 'output.jsonl', bytes: Buffer.from(`${answers.join('\n')}\n`) }
  const id = String(batch['id']).replace('batch_', 'file-out-')
  keptFile(store, upload, 'batch_output', id)
  const request_counts = { total: lines.length, completed: lines.length, failed: 0 }
  return { ...batch, status: 'completed', output_file_id: id, completed_at: seconds(), request_counts }
}

function keptFile(store: Store, { name, bytes }: Upload, purpose: string, id: string): JsonObject {
  const file: JsonObject = {
    id,
    object: 'file',
    bytes: bytes.length,
    created_at: seconds(),
    expires_at: null,
    filename: name,
    purpose,
    status: 'processed',
    status_details: null,
  }
  store.files.set(id, { file, bytes })
  return file
}

function listed(data: JsonObject[]): Step {
  const ends = { first_id: data[0]?.['id'] ?? null, last_id: data.at(-1)?.['id'] ?? null }
  return json({ object: 'list', data, ...ends, has_more: false })
}

function missing(param: string): Step {
  const message = `Missing required parameter: '${param}'.`
  return status(400, openAi(message, 'invalid_request_error', 'missing_required_parameter', param).body)
}
