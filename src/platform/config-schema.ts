import { index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import type { RetrySettings, Settings, TimeoutSettings } from './settings'

/** A limit that is part of an API key, in the words of the API: US dollars for cost. */
export interface InlineLimit {
  name?: string | undefined
  metric: string
  window: string
  value: number
  action: 'warn' | 'block'
}

/** API keys: only the SHA-256 hash of a key is kept, with the prefix that its owner recognises it by. */
export const apiKeys = sqliteTable('api_keys', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  prefix: text('prefix').notNull(),
  hash: text('hash').notNull().unique(),
  role: text('role', { enum: ['inference', 'admin'] }).notNull(),
  environment: text('environment', { enum: ['prod', 'test'] }).notNull(),
  allowedModels: text('allowed_models', { mode: 'json' }).$type<string[]>(),
  /** A request that its target cannot be told in full is refused. */
  requireParameters: integer('require_parameters', { mode: 'boolean' }).notNull().default(false),
  /** What limits on cost make of a model without a known price; as the settings say when null. */
  unknownPrice: text('unknown_price', { enum: ['block', 'warn'] }),
  /** Which requests' bodies are logged; as the settings say when null. */
  logBodies: text('log_bodies', { enum: ['all', 'none', 'errors'] }),
  expiresAtMs: integer('expires_at_ms'),
  revokedAtMs: integer('revoked_at_ms'),
  createdAtMs: integer('created_at_ms').notNull(),
  updatedAtMs: integer('updated_at_ms').notNull(),
  limits: text('limits', { mode: 'json' }).$type<InlineLimit[]>(),
  /** Made at /api/temporary-keys/, and only seen there. */
  isTemporary: integer('is_temporary', { mode: 'boolean' }).notNull().default(false),
  /** Among whom kept answers are shared. */
  cacheScope: text('cache_scope', { enum: ['organization', 'api_key'] })
    .notNull()
    .default('organization'),
})

/** Custom providers; `api_key` and `headers` hold AES-GCM sealed text. */
export const providers = sqliteTable('providers', {
  id: integer('id').primaryKey({ autoIncrement: true }),
  providerId: text('provider_id').notNull().unique(),
  providerName: text('provider_name').notNull(),
  baseUrl: text('base_url').notNull(),
  protocols: text('protocols', { mode: 'json' }).$type<string[]>().notNull(),
  sealedApiKey: text('sealed_api_key'),
  sealedHeaders: text('sealed_headers'),
  headerNames: text('header_names', { mode: 'json' }).$type<string[]>(),
  timeoutMs: integer('timeout_ms'),
  /** Parameters that a request to this provider gets when it does not set them: `temperature`, `max_tokens`. */
  defaults: text('defaults', { mode: 'json' }).$type<Record<string, number>>(),
  createdAtMs: integer('created_at_ms').notNull(),
  updatedAtMs: integer('updated_at_ms').notNull(),
})

/** Custom models; costs are US dollars per million tokens, as their owners write them. */
export const models = sqliteTable(
  'models',
  {
    id: integer('id').primaryKey({ autoIncrement: true }),
    modelName: text('model_name').notNull().unique(),
    displayName: text('display_name'),
    baseModelName: text('base_model_name'),
    providerId: text('provider_id'),
    upstreamModel: text('upstream_model'),
    fallbackModels: text('fallback_models', { mode: 'json' }).$type<string[]>(),
    inputCost: real('input_cost'),
    outputCost: real('output_cost'),
    cacheHitInputCost: real('cache_hit_input_cost'),
    cacheCreationInputCost: real('cache_creation_input_cost'),
    maxContextWindow: integer('max_context_window'),
    /** What was set, by field; the rest holds as elsewhere. */
    timeouts: text('timeouts', { mode: 'json' }).$type<TimeoutSettings>(),
    retryParams: text('retry_params', { mode: 'json' }).$type<RetrySettings>(),
    streamingSupport: integer('streaming_support'),
    functionCall: integer('function_call'),
    imageSupport: integer('image_support'),
    supportedParamsOverride: text('supported_params_override', { mode: 'json' }).$type<
      Record<string, unknown>
    >(),
    createdAtMs: integer('created_at_ms').notNull(),
    updatedAtMs: integer('updated_at_ms').notNull(),
  },
  (table) => [index('models_by_provider').on(table.providerId)],
)

/** Limits by subject: an organization, an API key, a model or a customer; `subject` `*` means each one. */
export const limits = sqliteTable('limits', {
  id: text('id').primaryKey(),
  name: text('name').notNull().unique(),
  scope: text('scope', { enum: ['organization', 'api_key', 'model', 'customer'] }).notNull(),
  subject: text('subject').notNull(),
  metric: text('metric').notNull(),
  window: text('window').notNull(),
  value: real('value').notNull(),
  action: text('action', { enum: ['warn', 'block'] }).notNull(),
  /** What becomes of a request while the counter cannot be asked; by the action when null. */
  onUnavailable: text('on_unavailable', { enum: ['open', 'closed'] }),
  /** Of a refusal; 429 when null. */
  refusalStatus: integer('refusal_status'),
  createdAtMs: integer('created_at_ms').notNull(),
  updatedAtMs: integer('updated_at_ms').notNull(),
})

/** How long a customer's period budget lasts, by the calendar in UTC. */
export type BudgetDuration = 'daily' | 'weekly' | 'monthly' | 'yearly'

/** Customers whom somebody said something about; budgets are US dollars, null is none. */
export const customers = sqliteTable('customers', {
  customerIdentifier: text('customer_identifier').primaryKey(),
  name: text('name'),
  email: text('email'),
  groupIdentifier: text('group_identifier'),
  metadata: text('metadata', { mode: 'json' }).$type<Record<string, unknown>>(),
  periodBudget: real('period_budget'),
  budgetDuration: text('budget_duration').$type<BudgetDuration>(),
  /** The period of a budget that has no duration. */
  periodStartMs: integer('period_start_ms'),
  periodEndMs: integer('period_end_ms'),
  totalBudget: real('total_budget'),
  /** Requests per minute. */
  rateLimit: integer('rate_limit'),
  /** 20 makes a use of 1 US dollar count as 1.20. */
  markupPercentage: real('markup_percentage'),
  createdAtMs: integer('created_at_ms').notNull(),
  updatedAtMs: integer('updated_at_ms').notNull(),
})

/** What may be shown of where an alert channel leads. */
export interface ChannelAddress {
  /** Of a URL, the host alone: the rest of it may be a secret. */
  host?: string
  to?: string[]
  from?: string
}

/** Where alerts are sent; `sealed` is AES-GCM sealed JSON with the URL, the secret and the key. */
export const alertChannels = sqliteTable('alert_channels', {
  id: text('id').primaryKey(),
  name: text('name').notNull().unique(),
  type: text('type', { enum: ['slack', 'email', 'webhook'] }).notNull(),
  address: text('address', { mode: 'json' }).$type<ChannelAddress>().notNull(),
  sealed: text('sealed').notNull(),
  /** Null for all. */
  events: text('events', { mode: 'json' }).$type<string[]>(),
  isPaused: integer('is_paused', { mode: 'boolean' }).notNull().default(false),
  createdAtMs: integer('created_at_ms').notNull(),
  updatedAtMs: integer('updated_at_ms').notNull(),
})

/** Who is told of each new log. The secret signs what is sent, and is AES-GCM sealed. */
export const webhooks = sqliteTable('webhooks', {
  id: text('id').primaryKey(),
  name: text('name').notNull().unique(),
  url: text('url').notNull(),
  sealedSecret: text('sealed_secret').notNull(),
  isPaused: integer('is_paused', { mode: 'boolean' }).notNull().default(false),
  createdAtMs: integer('created_at_ms').notNull(),
  updatedAtMs: integer('updated_at_ms').notNull(),
})
export type WebhookRow = typeof webhooks.$inferSelect

/** Which requests a monitor looks at; what is absent does not matter. */
export interface MonitorFilters {
  model?: string
  provider?: string
  api_key?: string
  customer?: string
  environment?: 'prod' | 'test'
}

/** Conditions on what the request logs of the last minutes say. */
export const monitors = sqliteTable('monitors', {
  id: text('id').primaryKey(),
  name: text('name').notNull().unique(),
  metric: text('metric').notNull(),
  aggregation: text('aggregation').notNull(),
  filters: text('filters', { mode: 'json' }).$type<MonitorFilters>().notNull(),
  comparison: text('comparison', { enum: ['above', 'below'] }).notNull(),
  threshold: real('threshold').notNull(),
  windowMinutes: integer('window_minutes').notNull(),
  /** Ids of alert channels; null for all that take the event. */
  channels: text('channels', { mode: 'json' }).$type<string[]>(),
  isPaused: integer('is_paused', { mode: 'boolean' }).notNull().default(false),
  createdAtMs: integer('created_at_ms').notNull(),
  updatedAtMs: integer('updated_at_ms').notNull(),
})

/** A credential at rest. It opens for its provider alone, and only for the hosts that it was sealed for. */
export interface SealedCredential {
  providerId: string
  /** AES-GCM sealed text by the host that it may be sent to: `sealContext` of the provider and that host. */
  sealedByHost: Record<string, string>
  /**
   * Where it is used instead of the provider's usual place, by the credential fields that say so: `api_base`,
   * `api_version`, `aws_region_name`, `vertex_project`, `vertex_location`. Nothing of it is secret.
   */
  place?: Record<string, string>
}

/** One model of a group, with its share and perhaps a credential of its own. */
export interface BalancedModel {
  model: string
  weight: number
  sealedCredentials?: SealedCredential
}

/** Further keys of a provider, stored or built in. */
export const providerKeys = sqliteTable(
  'provider_keys',
  {
    id: text('id').primaryKey(),
    providerId: text('provider_id').notNull(),
    name: text('name').notNull(),
    credential: text('credential', { mode: 'json' }).$type<SealedCredential>().notNull(),
    weight: real('weight').notNull(),
    availableModels: text('available_models', { mode: 'json' }).$type<string[]>(),
    excludeModels: text('exclude_models', { mode: 'json' }).$type<string[]>(),
    createdAtMs: integer('created_at_ms').notNull(),
    updatedAtMs: integer('updated_at_ms').notNull(),
  },
  (table) => [uniqueIndex('provider_keys_by_name').on(table.providerId, table.name)],
)

/** Models that share the requests of a group. */
export const loadBalanceGroups = sqliteTable('load_balance_groups', {
  groupId: text('group_id').primaryKey(),
  name: text('name').notNull(),
  models: text('models', { mode: 'json' }).$type<BalancedModel[]>().notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
  updatedAtMs: integer('updated_at_ms').notNull(),
})

/** What holds for every request that does not say otherwise: one row, with what was set and nothing else. */
export const settings = sqliteTable('settings', {
  id: integer('id').primaryKey(),
  value: text('value', { mode: 'json' }).$type<Settings>().notNull(),
  updatedAtMs: integer('updated_at_ms').notNull(),
})

/**
 * When the present generation of kept answers began: of all, of a model, of an end user's, or of one key. What was
 * asked before is not served any more.
 */
export const cacheGenerations = sqliteTable(
  'cache_generations',
  {
    scope: text('scope', { enum: ['all', 'model', 'customer', 'key'] }).notNull(),
    /** Empty for all. */
    subject: text('subject').notNull(),
    beganAtMs: integer('began_at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.scope, table.subject] })],
)

/** One counter per section; triggers raise it with every change, so that no writer can forget to. */
export const configVersions = sqliteTable('config_versions', {
  section: text('section').primaryKey(),
  version: integer('version').notNull(),
})

export type ApiKeyRow = typeof apiKeys.$inferSelect
export type ProviderRow = typeof providers.$inferSelect
export type LimitRow = typeof limits.$inferSelect
export type ModelRow = typeof models.$inferSelect
export type ProviderKeyRow = typeof providerKeys.$inferSelect
export type LoadBalanceGroupRow = typeof loadBalanceGroups.$inferSelect
export type SettingsRow = typeof settings.$inferSelect
export type CustomerRow = typeof customers.$inferSelect
/** What limits a customer. */
export type CustomerBudgets = Pick<
  CustomerRow,
  | 'customerIdentifier'
  | 'periodBudget'
  | 'budgetDuration'
  | 'periodStartMs'
  | 'periodEndMs'
  | 'totalBudget'
  | 'rateLimit'
  | 'markupPercentage'
>
export type AlertChannelRow = typeof alertChannels.$inferSelect
export type MonitorRow = typeof monitors.$inferSelect
export type CacheGenerationRow = typeof cacheGenerations.$inferSelect
