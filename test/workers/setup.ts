import { applyD1Migrations, type D1Migration } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import type { GatewayEnv } from '../../src/pipeline/stages'

declare global {
  namespace Cloudflare {
    /** What `env` from cloudflare:workers has in these tests: the gateway's bindings and those of vitest.config.ts. */
    interface Env extends GatewayEnv {
      TEST_CONFIG_MIGRATIONS: D1Migration[]
      TEST_LOGS_MIGRATIONS: D1Migration[]
      TEST_SHIELD: RateLimit
    }
    /** Gives `exports` from cloudflare:workers its types. */
    interface GlobalProps {
      mainModule: typeof import('./entry')
    }
  }
}

// Each test file starts with empty storage; the tests within a file share it.
await applyD1Migrations(env.CONFIG, env.TEST_CONFIG_MIGRATIONS)
await applyD1Migrations(env.LOGS, env.TEST_LOGS_MIGRATIONS)
