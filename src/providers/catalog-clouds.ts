import { bearer, type CatalogProvider, type Endpoint, hosted, keyed } from './catalog-row.ts'
import { vertexClaude } from './vertex-claude.ts'

const CLAUDE = /^claude-/
/** Model ids of Bedrock: a maker, before it perhaps the region of an inference profile. */
const BEDROCK_MODEL =
  /^(?:(?:us|eu|apac|jp|au|ca|global|us-gov)\.)?(?:ai21|amazon|anthropic|cohere|deepseek|google|meta|minimax|mistral|moonshot(?:ai)?|nvidia|openai|qwen|writer|zai)\.[a-z]/
const AZURE = 'https://{AZURE_OPENAI_RESOURCE}.openai.azure.com'
const VERTEX = 'https://{VERTEX_HOST}/v1/projects/{VERTEX_PROJECT}/locations/{VERTEX_LOCATION}'

/** Clouds: their URLs hold an account, a resource or a region, and some want a call signed. */
export const clouds: readonly CatalogProvider[] = [
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
  // The upstream model is the name of a deployment. A set API version means the API before v1, which wants the
  // deployment in the path (Microsoft Learn, "Azure OpenAI API version lifecycle").
  hosted(
    'azure',
    'Azure OpenAI',
    [
      azureOpenai('openai-responses', '/openai/v1', { onlyWithout: 'AZURE_API_VERSION' }),
      azureOpenai('openai-chat', '/openai/v1', { onlyWithout: 'AZURE_API_VERSION' }),
      azureOpenai('openai-chat', '/openai?api-version={AZURE_API_VERSION}', {
        onlyWith: 'AZURE_API_VERSION',
        urlStyle: 'azure-deployments',
      }),
      keyed('anthropic', 'x-api-key', 'https://{AZURE_OPENAI_RESOURCE}.services.ai.azure.com/anthropic/v1', {
        models: CLAUDE,
      }),
    ],
    ['AZURE_OPENAI_API_KEY', 'AZURE_API_KEY'],
    { aliases: ['azure_openai', 'azure-openai'], pricesAs: 'azure' },
  ),
  hosted(
    'bedrock',
    'Amazon Bedrock',
    [
      {
        protocol: 'bedrock-converse',
        baseUrl: 'https://bedrock-runtime.{AWS_REGION}.amazonaws.com',
        auth: { kind: 'aws' },
      },
    ],
    ['AWS_BEARER_TOKEN_BEDROCK', 'AWS_ACCESS_KEY_ID'],
    {
      aliases: ['amazon-bedrock', 'aws_bedrock', 'amazon_bedrock'],
      models: BEDROCK_MODEL,
      pricesAs: 'aws',
    },
  ),
  hosted(
    'vertex_ai',
    'Google Vertex AI',
    [
      vertex('gemini', '/publishers/google', { models: /^(?!claude-)[^/]*$/ }),
      vertex('anthropic', '/publishers/anthropic', {
        models: CLAUDE,
        ...vertexClaude,
      }),
      // Open models are named with their maker there, and only those are served in this protocol.
      vertex('openai-chat', '/endpoints/openapi', { models: /\// }),
    ],
    'VERTEX_SERVICE_ACCOUNT_JSON',
    { aliases: ['vertex', 'google-vertex', 'vertexai', 'google_vertex_ai', 'vertex-ai'], pricesAs: 'google' },
  ),
]

function azureOpenai(protocol: Endpoint['protocol'], path: string, more: Partial<Endpoint>): Endpoint {
  return keyed(protocol, 'api-key', `${AZURE}${path}`, { models: /^(?!claude-)/, ...more })
}

function vertex(protocol: Endpoint['protocol'], path: string, more: Partial<Endpoint>): Endpoint {
  return bearer(protocol, `${VERTEX}${path}`, { auth: { kind: 'google' }, ...more })
}
