/** Objects in a body that hold gateway parameters by the same names. */
export const CONTAINERS = ['respan_params', 'keywordsai_params']

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
