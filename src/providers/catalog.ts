/** A built-in provider that speaks OpenAI Chat Completions: where it is, and what enables it. */
export interface CatalogProvider {
  /** The prefix in `{provider}/{model}`. */
  id: string
  name: string
  /** As the provider documents it, so `${baseUrl}/chat/completions` is the call; `{NAME}` is a worker variable. */
  baseUrl: string
  protocols: readonly ['openai-chat']
  auth: { kind: 'bearer' } | { kind: 'header'; header: string } | { kind: 'none' }
  /** The worker secret that holds the key and so enables the provider. */
  secret?: string
  /** The prefixes other gateways use for the same provider. */
  aliases?: readonly string[]
  /** Slugs that belong here when they come without a provider prefix. */
  models?: RegExp
  /** The provider's id in @pydantic/genai-prices. */
  pricesAs?: string
  /** Tells the usage of a stream unasked and refuses `stream_options`, as unknown fields. */
  refusesStreamOptions?: true
  /** Runs on the developer's machine: only usable where private upstreams are allowed. */
  local?: true
}

type Extras = Pick<CatalogProvider, 'aliases' | 'models' | 'pricesAs' | 'refusesStreamOptions'>

const protocols = ['openai-chat'] as const

function hosted(id: string, name: string, baseUrl: string, secret: string, extras: Extras = {}) {
  return {
    id,
    name,
    baseUrl,
    protocols,
    auth: { kind: 'bearer' },
    secret,
    ...extras,
  } satisfies CatalogProvider
}

function local(id: string, name: string, baseUrl: string, extras: Extras = {}) {
  return {
    id,
    name,
    baseUrl,
    protocols,
    auth: { kind: 'none' },
    local: true,
    ...extras,
  } satisfies CatalogProvider
}

// They train the models they serve, so a bare slug can be theirs.
const labs: readonly CatalogProvider[] = [
  hosted('openai', 'OpenAI', 'https://api.openai.com/v1', 'OPENAI_API_KEY', {
    // gpt-oss is open weights: others serve it, this one does not.
    models:
      /^(?:gpt-(?!oss)|chatgpt-|codex-|computer-use-|o\d(?:-|$)|text-embedding-(?:3|ada)-|dall-e-|tts-1|whisper-1$|omni-moderation-|sora-)/,
    pricesAs: 'openai',
  }),
  hosted('anthropic', 'Anthropic', 'https://api.anthropic.com/v1', 'ANTHROPIC_API_KEY', {
    models: /^claude-/,
    pricesAs: 'anthropic',
  }),
  hosted(
    'gemini',
    'Google Gemini',
    'https://generativelanguage.googleapis.com/v1beta/openai',
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
  hosted('xai', 'xAI', 'https://api.x.ai/v1', 'XAI_API_KEY', {
    aliases: ['x-ai', 'x_ai'],
    models: /^grok-/,
    pricesAs: 'x-ai',
  }),
  hosted('deepseek', 'DeepSeek', 'https://api.deepseek.com', 'DEEPSEEK_API_KEY', {
    models: /^deepseek-(?:chat|reasoner|v\d)/,
    pricesAs: 'deepseek',
  }),
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
  hosted('moonshot', 'Moonshot AI', 'https://api.moonshot.ai/v1', 'MOONSHOT_API_KEY', {
    aliases: ['moonshotai', 'moonshot-ai', 'moonshot_ai', 'kimi'],
    models: /^(?:kimi-|moonshot-v)/,
    pricesAs: 'moonshotai',
  }),
  hosted('zai', 'Z.ai', 'https://api.z.ai/api/paas/v4', 'ZAI_API_KEY', {
    aliases: ['z-ai', 'z_ai', 'z.ai'],
    models: /^glm-\d/i,
    pricesAs: 'zai',
  }),
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
  hosted('minimax', 'MiniMax', 'https://api.minimax.io/v1', 'MINIMAX_API_KEY', {
    aliases: ['minimaxi'],
    models: /^(?:minimax-|m2-her$)/i,
    pricesAs: 'minimax',
  }),
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

// They serve other people's open weights, under slugs that several of them share.
const hosts: readonly CatalogProvider[] = [
  hosted('groq', 'Groq', 'https://api.groq.com/openai/v1', 'GROQ_API_KEY', {
    models: /^(?:llama-3\.\d-\d+b-(?:versatile|instant|specdec)|llama3-\d+b-8192|whisper-large-v3)/,
    pricesAs: 'groq',
  }),
  hosted('together', 'Together AI', 'https://api.together.ai/v1', 'TOGETHER_API_KEY', {
    aliases: ['together_ai', 'together-ai', 'togetherai'],
    pricesAs: 'together',
  }),
  hosted('fireworks', 'Fireworks AI', 'https://api.fireworks.ai/inference/v1', 'FIREWORKS_API_KEY', {
    aliases: ['fireworks_ai', 'fireworks-ai'],
    models: /^accounts\/fireworks\//,
    pricesAs: 'fireworks',
  }),
  hosted('cerebras', 'Cerebras', 'https://api.cerebras.ai/v1', 'CEREBRAS_API_KEY', { pricesAs: 'cerebras' }),
  hosted('sambanova', 'SambaNova', 'https://api.sambanova.ai/v1', 'SAMBANOVA_API_KEY'),
  hosted('deepinfra', 'DeepInfra', 'https://api.deepinfra.com/v1/openai', 'DEEPINFRA_API_KEY', {
    aliases: ['deep_infra', 'deep-infra'],
  }),
  hosted('nebius', 'Nebius Token Factory', 'https://api.tokenfactory.nebius.com/v1', 'NEBIUS_API_KEY', {
    aliases: ['nebius-ai', 'nebius_ai'],
  }),
  hosted('novita', 'Novita AI', 'https://api.novita.ai/openai', 'NOVITA_API_KEY', {
    aliases: ['novita-ai', 'novita_ai'],
    pricesAs: 'novita',
  }),
  hosted('hyperbolic', 'Hyperbolic', 'https://api.hyperbolic.xyz/v1', 'HYPERBOLIC_API_KEY'),
  hosted('nvidia', 'NVIDIA NIM', 'https://integrate.api.nvidia.com/v1', 'NVIDIA_API_KEY', {
    aliases: ['nvidia_nim', 'nvidia-nim', 'nim'],
  }),
  hosted('baseten', 'Baseten', 'https://inference.baseten.co/v1', 'BASETEN_API_KEY', { pricesAs: 'baseten' }),
  hosted('parasail', 'Parasail', 'https://api.parasail.io/v1', 'PARASAIL_API_KEY', { models: /^parasail-/ }),
  hosted('inference', 'Inference.net', 'https://api.inference.net/v1', 'INFERENCE_API_KEY', {
    aliases: ['inference-net', 'inference_net', 'inference.net'],
  }),
  hosted('siliconflow', 'SiliconFlow', 'https://api.siliconflow.com/v1', 'SILICONFLOW_API_KEY', {
    aliases: ['silicon-flow'],
  }),
  hosted('featherless', 'Featherless AI', 'https://api.featherless.ai/v1', 'FEATHERLESS_API_KEY', {
    aliases: ['featherless_ai', 'featherless-ai'],
  }),
  hosted('friendli', 'Friendli', 'https://api.friendli.ai/serverless/v1', 'FRIENDLI_TOKEN', {
    aliases: ['friendliai', 'friendli-ai'],
  }),
  hosted('chutes', 'Chutes', 'https://llm.chutes.ai/v1', 'CHUTES_API_KEY'),
  hosted('nscale', 'Nscale', 'https://inference.api.nscale.com/v1', 'NSCALE_API_KEY'),
  hosted('scaleway', 'Scaleway', 'https://api.scaleway.ai/v1', 'SCW_SECRET_KEY'),
  hosted('ovhcloud', 'OVHcloud', 'https://oai.endpoints.kepler.ai.cloud.ovh.net/v1', 'OVHCLOUD_API_KEY', {
    aliases: ['ovh'],
    pricesAs: 'ovhcloud',
  }),
  hosted('wandb', 'W&B Inference', 'https://api.inference.wandb.ai/v1', 'WANDB_API_KEY'),
  hosted('venice', 'Venice AI', 'https://api.venice.ai/api/v1', 'VENICE_API_KEY', {
    aliases: ['veniceai', 'venice-ai'],
  }),
  hosted('digitalocean', 'DigitalOcean', 'https://inference.do-ai.run/v1', 'DIGITALOCEAN_INFERENCE_KEY'),
  hosted('doubleword', 'Doubleword', 'https://api.doubleword.ai/v1', 'DOUBLEWORD_API_KEY', {
    pricesAs: 'doubleword',
  }),
  hosted('avian', 'Avian', 'https://api.avian.io/v1', 'AVIAN_API_KEY', { pricesAs: 'avian' }),
  hosted('ollama-cloud', 'Ollama Cloud', 'https://ollama.com/v1', 'OLLAMA_API_KEY', {
    aliases: ['ollama_cloud'],
  }),
  hosted(
    'workers-ai',
    'Cloudflare Workers AI',
    'https://api.cloudflare.com/client/v4/accounts/{CLOUDFLARE_ACCOUNT_ID}/ai/v1',
    'CLOUDFLARE_API_TOKEN',
    {
      aliases: ['cloudflare', 'workers_ai', 'cloudflare-workers-ai'],
      models: /^@(?:cf|hf)\//,
      pricesAs: 'cloudflare',
    },
  ),
  {
    id: 'azure',
    name: 'Azure OpenAI',
    baseUrl: 'https://{AZURE_OPENAI_RESOURCE}.openai.azure.com/openai/v1',
    protocols,
    auth: { kind: 'header', header: 'api-key' },
    secret: 'AZURE_OPENAI_API_KEY',
    aliases: ['azure_openai', 'azure-openai'],
    pricesAs: 'azure',
  },
]

// They pass a request on, so their slugs carry the maker's name.
const routers: readonly CatalogProvider[] = [
  hosted('openrouter', 'OpenRouter', 'https://openrouter.ai/api/v1', 'OPENROUTER_API_KEY', {
    aliases: ['open-router'],
    pricesAs: 'openrouter',
  }),
  hosted('huggingface', 'Hugging Face', 'https://router.huggingface.co/v1', 'HF_TOKEN', {
    aliases: ['hugging_face', 'hugging-face', 'hf'],
  }),
  hosted('vercel', 'Vercel AI Gateway', 'https://ai-gateway.vercel.sh/v1', 'AI_GATEWAY_API_KEY', {
    aliases: ['vercel_ai_gateway', 'vercel-ai-gateway'],
  }),
  hosted('poe', 'Poe', 'https://api.poe.com/v1', 'POE_API_KEY'),
]

const locals: readonly CatalogProvider[] = [
  local('ollama', 'Ollama', 'http://localhost:11434/v1', { aliases: ['ollama_chat'] }),
  local('vllm', 'vLLM', 'http://localhost:8000/v1', { aliases: ['hosted_vllm', 'hosted-vllm'] }),
  local('lmstudio', 'LM Studio', 'http://localhost:1234/v1', { aliases: ['lm_studio', 'lm-studio'] }),
  local('llama-cpp', 'llama.cpp', 'http://localhost:8080/v1', {
    aliases: ['llama_cpp', 'llamacpp', 'llama.cpp'],
  }),
]

/** Every built-in provider; base URLs as the providers' own documentation had them in November 2026. */
export const catalog: readonly CatalogProvider[] = [...labs, ...hosts, ...routers, ...locals]

const byPrefix = new Map(
  catalog.flatMap((row) => [row.id, ...(row.aliases ?? [])].map((prefix) => [prefix, row] as const)),
)
const withModels = catalog.filter((row) => row.models !== undefined)

/** The row behind a `{provider}/` prefix: its id, or another gateway's spelling of it. */
export function findCatalogProvider(idOrAlias: string): CatalogProvider | undefined {
  return byPrefix.get(idOrAlias)
}

/** The row a slug without a provider prefix belongs to (`gpt-4o`, `claude-sonnet-4-5`), if it is anyone's own. */
export function catalogProviderOfModel(bareSlug: string): CatalogProvider | undefined {
  return withModels.find((row) => row.models?.test(bareSlug))
}
