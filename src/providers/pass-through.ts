import { countMessageTokens } from '../protocols/anthropic/count-tokens-protocol'
import { mediaEndpoints } from '../protocols/openai-media/table'
import type { Protocol, ProtocolId } from '../protocols/protocol'
import { protocols } from '../protocols/table'
import type { Target } from './target'

/**
 * A path of a provider's API that asks for an answer in a protocol that is served here. Named groups: `call` is
 * `{model}:{method}` of Gemini, `model` a model that only the path names.
 */
export interface AnswerPath {
  path: RegExp
  protocol: Protocol
  /** The body names the model too; the provider wants it there when it is left out. */
  hasModelInBody?: true
}

/** A call that is served as an answer; what its path tells is decoded. */
export interface AnswerCall extends Omit<AnswerPath, 'path'> {
  call?: string
  model?: string
}

/** A part of the gateway's paths that looks to a provider's own SDK like the provider. */
export interface PassThroughBase {
  providerId: string
  /** Respan's spelling and LangSmith's. */
  prefixes: readonly string[]
  speaks: ProtocolId
  /** The end of an endpoint's base URL that the paths here bring themselves. */
  behindRoot: RegExp
  /** Put before paths that have no version: some SDKs have it in their base URL. */
  version?: string
  answers: readonly AnswerPath[]
}

const PUBLISHERS = '^/v1(?:beta1|alpha|beta)?/(?:projects/[^/]+/locations/[^/]+/)?publishers'
const GEMINI_CALL = '(?<call>[^/]+:(?:generateContent|streamGenerateContent|countTokens))$'

/** The calls of OpenAI's API that are served here, behind the pattern of what comes before them. */
function openaiAnswers(front: string): AnswerPath[] {
  const below = (path: string, protocol: Protocol) => ({ path: new RegExp(`^${front}${path}$`), protocol })
  return [
    below('/chat/completions', protocols['openai-chat']),
    below('/responses', protocols['openai-responses']),
    ...Object.entries(mediaEndpoints).map(([path, protocol]) => below(path, protocol)),
  ]
}

/** Where the providers' own SDKs may point. */
export const passThroughBases: readonly PassThroughBase[] = [
  {
    providerId: 'anthropic',
    prefixes: ['/api/anthropic', '/anthropic'],
    speaks: 'anthropic',
    behindRoot: /\/v1$/,
    answers: [
      { path: /^\/v1\/messages$/, protocol: protocols.anthropic },
      { path: /^\/v1\/messages\/count_tokens$/, protocol: countMessageTokens },
    ],
  },
  {
    providerId: 'gemini',
    prefixes: ['/api/google/gemini', '/gemini'],
    speaks: 'gemini',
    behindRoot: /\/v1(?:alpha|beta)?$/,
    answers: [
      { path: new RegExp(`^/v1(?:beta|alpha)?/models/${GEMINI_CALL}`), protocol: protocols.gemini },
      { path: /^\/v1beta\/openai\/chat\/completions$/, protocol: protocols['openai-chat'] },
    ],
  },
  {
    providerId: 'vertex_ai',
    prefixes: ['/api/google/vertexai', '/vertex'],
    speaks: 'gemini',
    behindRoot: /\/v1\/projects\/.*$/,
    answers: [
      { path: new RegExp(`${PUBLISHERS}/google/models/${GEMINI_CALL}`), protocol: protocols.gemini },
      {
        path: new RegExp(`${PUBLISHERS}/anthropic/models/count-tokens:rawPredict$`),
        protocol: countMessageTokens,
      },
      {
        path: new RegExp(`${PUBLISHERS}/anthropic/models/(?<model>[^/:]+):(?:streamR|r)awPredict$`),
        protocol: protocols.anthropic,
      },
    ],
  },
  {
    providerId: 'openai',
    prefixes: ['/api/openai', '/openai'],
    speaks: 'openai-responses',
    behindRoot: /\/v1$/,
    version: '/v1',
    answers: openaiAnswers('/v1'),
  },
  {
    providerId: 'azure',
    prefixes: ['/api/azure'],
    speaks: 'openai-responses',
    behindRoot: /\/openai(?:\/v1)?$/,
    answers: [
      ...openaiAnswers('/openai(?:/v1)?'),
      // Before v1 the path names the deployment (Microsoft Learn, "Azure OpenAI REST API reference").
      ...openaiAnswers('/openai/deployments/(?<model>[^/]+)').map(
        (answer): AnswerPath => ({ ...answer, hasModelInBody: true }),
      ),
    ],
  },
]

/**
 * The answer that a path asks for; undefined when it asks for something else. Other spellings of a path count too, for
 * a provider may take them, and the answer would be neither counted nor limited.
 */
export function answerCallAt({ answers }: PassThroughBase, path: string): AnswerCall | undefined {
  const spellings = [path, decoded(path)].map((one) => one.replaceAll(/\/+/g, '/').replace(/\/$/, ''))
  for (const spelling of spellings)
    for (const { path: pattern, ...answer } of answers) {
      const { call, model } = pattern.exec(spelling)?.groups ?? {}
      if (!pattern.test(spelling)) continue
      return {
        ...answer,
        ...(call === undefined ? {} : { call: decoded(call) }),
        ...(model === undefined ? {} : { model: decoded(model) }),
      }
    }
  return undefined
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Where a provider's whole API begins: its endpoint without the version, which pass-through paths bring themselves. */
export function rootOf({ behindRoot }: PassThroughBase, { url }: Target): string {
  return url.replace(/\?.*$/, '').replace(/\/$/, '').replace(behindRoot, '')
}

/** The providers that keep OpenAI's files and batches, in the order in which an upload without a name looks for one. */
export const fileProviders: readonly string[] = ['openai', 'azure', 'groq', 'dashscope']
