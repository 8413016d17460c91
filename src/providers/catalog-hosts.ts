import { bearer, type CatalogProvider, hosted } from './catalog-row.ts'

/** They serve other people's open weights, under slugs that several of them share. */
export const hosts: readonly CatalogProvider[] = [
  hosted(
    'groq',
    'Groq',
    [
      bearer('openai-chat', 'https://api.groq.com/openai/v1'),
      bearer('openai-responses', 'https://api.groq.com/openai/v1'),
    ],
    'GROQ_API_KEY',
    {
      models: /^(?:llama-3\.\d-\d+b-(?:versatile|instant|specdec)|llama3-\d+b-8192|whisper-large-v3)/,
      pricesAs: 'groq',
    },
  ),
  hosted('together', 'Together AI', 'https://api.together.ai/v1', 'TOGETHER_API_KEY', {
    aliases: ['together_ai', 'together-ai', 'togetherai'],
    pricesAs: 'together',
  }),
  hosted(
    'fireworks',
    'Fireworks AI',
    [
      bearer('openai-chat', 'https://api.fireworks.ai/inference/v1'),
      bearer('anthropic', 'https://api.fireworks.ai/inference/v1'),
      bearer('openai-responses', 'https://api.fireworks.ai/inference/v1'),
    ],
    'FIREWORKS_API_KEY',
    {
      aliases: ['fireworks_ai', 'fireworks-ai'],
      models: /^accounts\/fireworks\//,
      pricesAs: 'fireworks',
    },
  ),
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
  hosted(
    'ollama-cloud',
    'Ollama Cloud',
    [bearer('openai-chat', 'https://ollama.com/v1'), bearer('anthropic', 'https://ollama.com/v1')],
    'OLLAMA_API_KEY',
    {
      aliases: ['ollama_cloud'],
    },
  ),
]
