import { anthropic } from './anthropic/dialect'
import { isAzure } from './azure'
import { bedrock } from './bedrock/dialect'
import { azureChat, chat } from './chat-dialect'
import type { Dialect } from './dialect'
import { pathOf } from './fields'
import { gemini } from './gemini/dialect'
import { googleToken } from './gemini/token'
import { openAiMedia } from './openai-media/dialect'
import { MEDIA_PATHS } from './openai-media/paths'
import type { RecordedCall } from './recorder'
import { responses } from './responses/dialect'

/** The provider whose path is called; OpenAI's chat where no other fits. */
export function dialectOf(call: RecordedCall): Dialect {
  const path = pathOf(call)
  const found = table.find(([paths]) => paths.test(path))?.[1]
  if (found !== undefined) return found
  if (isAzure(path)) return azureChat
  if (!/\/models(?:\/[^/]+)?$/.test(path)) return chat
  if ('anthropic-version' in call.headers) return anthropic
  return 'x-goog-api-key' in call.headers || call.query.has('key') ? gemini : chat
}

const table: [RegExp, Dialect][] = [
  [/\/model\/.+\/converse(?:-stream)?$/, bedrock],
  [/:(?:streamR|r)awPredict$/, anthropic],
  [/\/messages(?:\/count_tokens)?$/, anthropic],
  [/\/models\/[^/]+:\w+$|\/v1beta\/models/, gemini],
  [/\/responses(?:\/|$)/, responses],
  [/\/token$/, googleToken],
  [MEDIA_PATHS, openAiMedia],
]
