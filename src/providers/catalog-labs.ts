import { bearer, type CatalogProvider, type Endpoint, hosted, keyed } from './catalog-row.ts'

const OPENAI = 'https://api.openai.com/v1'
const GEMINI = 'https://generativelanguage.googleapis.com/v1beta'

/** They train the models they serve, so a bare slug can be theirs. */
export const labs: readonly CatalogProvider[] = [
  hosted('openai', 'OpenAI', openai(), 'OPENAI_API_KEY', {
    // gpt-oss is open weights: others serve it, this one does not.
    models:
      /^(?:gpt-(?!oss)|chatgpt-|codex-|computer-use-|o\d(?:-|$)|text-embedding-(?:3|ada)-|dall-e-|tts-1|whisper-1$|omni-moderation-|sora-)/,
    pricesAs: 'openai',
  }),
  hosted(
    'anthropic',
    'Anthropic',
    [keyed('anthropic', 'x-api-key', 'https://api.anthropic.com/v1')],
    'ANTHROPIC_API_KEY',
    { models: /^claude-/, pricesAs: 'anthropic' },
  ),
  hosted(
    'gemini',
    'Google Gemini',
    [keyed('gemini', 'x-goog-api-key', GEMINI), bearer('openai-chat', `${GEMINI}/openai`)],
    'GEMINI_API_KEY',
    {
      aliases: ['google', 'google_gemini_ai', 'google-ai-studio', 'google_ai_studio'],
      models: /^(?:gemini-|gemma-\d|learnlm-|imagen-|veo-|text-embedding-00\d$)/,
      pricesAs: 'google',
    },
  ),
  hosted('mistral', 'Mistral AI', 'https://api.mistral.ai/v1', 'MISTRAL_API_KEY', {
    aliases: ['mistralai', 'mistral-ai', 'mistral_ai'],
    models:
      /^(?:labs-)?(?:open-)?(?:mistral|mixtral|ministral|magistral|codestral|devstral|pixtral|voxtral)-/,
    pricesAs: 'mistral',
    refusesStreamOptions: true,
  }),
  // Its documentation calls chat completions deprecated (docs.x.ai, "Comparison with Chat Completions API").
  hosted(
    'xai',
    'xAI',
    [bearer('openai-responses', 'https://api.x.ai/v1'), bearer('openai-chat', 'https://api.x.ai/v1')],
    'XAI_API_KEY',
    {
      aliases: ['x-ai', 'x_ai'],
      models: /^grok-/,
      pricesAs: 'x-ai',
    },
  ),
  hosted(
    'deepseek',
    'DeepSeek',
    [
      bearer('openai-chat', 'https://api.deepseek.com'),
      keyed('anthropic', 'x-api-key', 'https://api.deepseek.com/anthropic/v1'),
    ],
    'DEEPSEEK_API_KEY',
    {
      models: /^deepseek-(?:chat|reasoner|v\d)/,
      pricesAs: 'deepseek',
    },
  ),
  hosted('cohere', 'Cohere', 'https://api.cohere.ai/compatibility/v1', 'COHERE_API_KEY', {
    aliases: ['cohere_chat', 'cohere-chat'],
    models: /^(?:command(?:-|$)|c4ai-aya-|embed-(?:v\d|english-|multilingual-)|rerank-)/,
    pricesAs: 'cohere',
    refusesStreamOptions: true,
  }),
  // Announced to end on 2026-09-27; the successor speaks only the Responses protocol.
  hosted('perplexity', 'Perplexity', 'https://api.perplexity.ai', 'PERPLEXITY_API_KEY', {
    aliases: ['perplexity-ai', 'perplexity_ai'],
    models: /^sonar(?:-|$)/,
    pricesAs: 'perplexity',
  }),
  hosted(
    'moonshot',
    'Moonshot AI',
    [
      bearer('openai-chat', 'https://api.moonshot.ai/v1'),
      bearer('openai-responses', 'https://api.moonshot.ai/v1'),
      bearer('anthropic', 'https://api.moonshot.ai/anthropic/v1'),
    ],
    'MOONSHOT_API_KEY',
    {
      aliases: ['moonshotai', 'moonshot-ai', 'moonshot_ai', 'kimi'],
      models: /^(?:kimi-|moonshot-v)/,
      pricesAs: 'moonshotai',
    },
  ),
  hosted(
    'zai',
    'Z.ai',
    [
      bearer('openai-chat', 'https://api.z.ai/api/paas/v4'),
      bearer('anthropic', 'https://api.z.ai/api/anthropic/v1'),
    ],
    'ZAI_API_KEY',
    {
      aliases: ['z-ai', 'z_ai', 'z.ai'],
      models: /^glm-\d/i,
      pricesAs: 'zai',
    },
  ),
  hosted('zhipuai', 'Zhipu AI', 'https://open.bigmodel.cn/api/paas/v4', 'ZHIPU_API_KEY', {
    aliases: ['zhipu', 'bigmodel'],
    pricesAs: 'zhipuai',
  }),
  hosted(
    'dashscope',
    'Alibaba Model Studio',
    'https://dashscope-intl.aliyuncs.com/compatible-mode/v1',
    'DASHSCOPE_API_KEY',
    // Local runners write the size after a colon (qwen3:8b), this one never does.
    { aliases: ['qwen', 'alibaba'], models: /^(?:qwen|qwq|qvq)[\w.-]*$/ },
  ),
  hosted(
    'minimax',
    'MiniMax',
    [
      bearer('openai-chat', 'https://api.minimax.io/v1'),
      bearer('openai-responses', 'https://api.minimax.io/v1'),
      bearer('anthropic', 'https://api.minimax.io/anthropic/v1'),
    ],
    'MINIMAX_API_KEY',
    {
      aliases: ['minimaxi'],
      models: /^(?:minimax-|m2-her$)/i,
      pricesAs: 'minimax',
    },
  ),
  hosted('ai21', 'AI21 Labs', 'https://api.ai21.com/studio/v1', 'AI21_API_KEY', {
    aliases: ['ai21labs', 'ai21-labs', 'ai21_chat'],
    models: /^jamba-/,
  }),
  hosted('upstage', 'Upstage', 'https://api.upstage.ai/v1', 'UPSTAGE_API_KEY', {
    models: /^solar-(?:pro|mini|open)/,
  }),
  hosted('stepfun', 'StepFun', 'https://api.stepfun.ai/v1', 'STEPFUN_API_KEY', {
    aliases: ['stepfun-ai'],
    models: /^step-\d/,
  }),
  hosted('inception', 'Inception', 'https://api.inceptionlabs.ai/v1', 'INCEPTION_API_KEY', {
    models: /^mercury-/,
  }),
  hosted('arcee', 'Arcee AI', 'https://api.arcee.ai/api/v1', 'ARCEE_API_KEY', {
    aliases: ['arcee-ai', 'arcee_ai'],
    models: /^trinity-/,
    pricesAs: 'arcee',
  }),
]

// Some models are served in one of the two only (OpenAI's model pages, "Endpoints").
function openai(): [Endpoint, Endpoint] {
  return [
    bearer('openai-responses', OPENAI, {
      models: /^(?!gpt-\S*(?:audio|search)|gpt-3\.5-turbo-16k|text-embedding-|dall-e-|tts-1|whisper-1|omni-)/,
    }),
    bearer('openai-chat', OPENAI, {
      models:
        /^(?!gpt-5-pro|gpt-5(?:\.[123])?-codex|codex-|computer-use-|o1-pro|o3-pro|o\d-(?:mini-)?deep-research)/,
    }),
  ]
}
