import * as z from 'zod'
import type { JsonObject } from '../../fakes'
import type { TestTool } from './client'

const schema = z.object({ city: z.string(), unit: z.enum(['c', 'f']).optional() })

/** The tool of most tests, and with what it was called. */
export function weatherTool(): { tool: TestTool; inputs: unknown[] } {
  const inputs: unknown[] = []
  const tool: TestTool = {
    name: 'get_weather',
    description: 'The weather of a city',
    schema,
    parameters: { ...(z.toJSONSchema(schema) as JsonObject), type: 'object' },
    run(input) {
      inputs.push(input)
      return `18 degrees in ${schema.parse(input).city}`
    },
  }
  return { tool, inputs }
}
