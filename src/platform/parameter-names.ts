/**
 * The fields of a request body that speak to the gateway and never travel upstream (compatibility document, A5).
 * `metadata` is OpenAI's own too, but only beside `store: true` (OpenAI API reference, "metadata").
 */
export const NAMES: ReadonlySet<string> = new Set([
  ...[
    'fallback_models',
    'disable_fallback',
    'load_balance_group',
    'load_balance_models',
    'loadbalance_models',
  ],
  ...['models', 'exclude_providers', 'exclude_models', 'retry_params', 'retries', 'weight', 'model_name_map'],
  ...['credential_override', 'customer_credentials', 'customer_api_keys', 'mock_response'],
  ...[
    'cache_enabled',
    'cache_ttl',
    'cache_options',
    'request_breakdown',
    'disable_log',
    'field_name',
    'delimiter',
  ],
  ...['customer_identifier', 'customer_email', 'customer_name', 'customer_params', 'metadata', 'properties'],
  ...[
    'custom_identifier',
    'thread_identifier',
    'group_identifier',
    'session_identifier',
    'trace_group_identifier',
  ],
  ...['trace_unique_id', 'trace_name', 'span_unique_id', 'span_name', 'span_parent_id', 'span_path'],
  ...[
    'span_workflow_name',
    'span_handoffs',
    'span_tools',
    'positive_feedback',
    'note',
    'category',
    'eval_params',
  ],
  ...[
    'posthog_integration',
    'mem0_params',
    'linkup_params',
    'hyperspell_params',
    'moda_params',
    'respan_api_controls',
  ],
  ...[
    'prompt',
    'prompt_id',
    'prompt_variables',
    'variables',
    'is_custom_prompt',
    'timeout',
    'extra_headers',
    'require_parameters',
  ],
])

/** Objects in a body that hold gateway parameters by the same names. */
export const CONTAINERS = ['respan_params', 'keywordsai_params']

/** The same, base64 or plain JSON, as request headers. */
export const HEADERS = ['x-data-respan-params', 'x-respan-params', 'x-data-keywordsai-params']

/** Fields that hold credentials: they are cut out of the logged request. */
export const SECRET_NAMES: ReadonlySet<string> = new Set([
  ...[
    'credential_override',
    'customer_credentials',
    'customer_api_keys',
    'load_balance_models',
    'loadbalance_models',
  ],
  ...['load_balance_group', 'models', 'extra_headers', 'posthog_integration', 'mem0_params', 'linkup_params'],
  ...['hyperspell_params', 'moda_params', ...CONTAINERS],
])
