import { bearer, type CatalogProvider, hosted, local } from './catalog-row.ts'

/** They pass a request on, so their slugs carry the maker's name. */
export const routers: readonly CatalogProvider[] = [
  hosted(
    'openrouter',
    'OpenRouter',
    [
      bearer('openai-chat', 'https://openrouter.ai/api/v1'),
      bearer('anthropic', 'https://openrouter.ai/api/v1'),
      bearer('openai-responses', 'https://openrouter.ai/api/v1'),
    ],
    'OPENROUTER_API_KEY',
    { aliases: ['open-router'], pricesAs: 'openrouter' },
  ),
  // Its Responses endpoint is a beta (hub-docs, inference-providers/guides/responses-api).
  hosted(
    'huggingface',
    'Hugging Face',
    [
      bearer('openai-chat', 'https://router.huggingface.co/v1'),
      bearer('openai-responses', 'https://router.huggingface.co/v1'),
    ],
    'HF_TOKEN',
    { aliases: ['hugging_face', 'hugging-face', 'hf'] },
  ),
  hosted(
    'vercel',
    'Vercel AI Gateway',
    [
      bearer('openai-chat', 'https://ai-gateway.vercel.sh/v1'),
      bearer('openai-responses', 'https://ai-gateway.vercel.sh/v1'),
    ],
    'AI_GATEWAY_API_KEY',
    { aliases: ['vercel_ai_gateway', 'vercel-ai-gateway'] },
  ),
  hosted('poe', 'Poe', 'https://api.poe.com/v1', 'POE_API_KEY'),
]

/** Servers on the developer's machine. All of them document Anthropic's Messages beside OpenAI's protocols. */
export const locals: readonly CatalogProvider[] = [
  local('ollama', 'Ollama', 'http://localhost:11434/v1', ['anthropic'], { aliases: ['ollama_chat'] }),
  local('vllm', 'vLLM', 'http://localhost:8000/v1', ['openai-responses', 'anthropic'], {
    aliases: ['hosted_vllm', 'hosted-vllm'],
  }),
  local('lmstudio', 'LM Studio', 'http://localhost:1234/v1', ['openai-responses', 'anthropic'], {
    aliases: ['lm_studio', 'lm-studio'],
  }),
  local('llama-cpp', 'llama.cpp', 'http://localhost:8080/v1', ['anthropic'], {
    aliases: ['llama_cpp', 'llamacpp', 'llama.cpp'],
  }),
]
