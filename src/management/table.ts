import { alertChannelRoutes } from './alert-channels'
import { alertEventRoutes } from './alert-events'
import { apiKeyRoutes } from './api-keys'
import { cacheRoutes } from './cache'
import { createLogRoutes } from './create-logs'
import { customModelRoutes } from './custom-models'
import { limitDriftRoutes } from './limit-drift'
import { limitRoutes } from './limits'
import { loadBalanceGroupRoutes } from './load-balance-groups'
import { monitorRoutes } from './monitors'
import { promptExperimentRoutes } from './prompt-experiments'
import { promptLabelRoutes } from './prompt-labels'
import { promptVersionRoutes } from './prompt-versions'
import { promptRoutes } from './prompts'
import { providerKeyRoutes } from './provider-keys'
import { providerRoutes } from './providers'
import { requestLogRoutes } from './request-logs'
import type { ManagementRoute } from './route'
import { settingsRoutes } from './settings'
import { temporaryKeyRoutes } from './temporary-keys'
import { threadRoutes } from './threads'
import { traceRoutes } from './traces'
import { usageRoutes } from './usage'
import { userRoutes } from './users'
import { webhookRoutes } from './webhooks'

/** Every route of the management API; the gateway has the same list without what answers it (`routes/management-table.ts`). */
export const managementRoutes: readonly ManagementRoute[] = [
  ...customModelRoutes,
  ...providerRoutes,
  ...apiKeyRoutes,
  ...temporaryKeyRoutes,
  ...userRoutes,
  ...threadRoutes,
  ...limitDriftRoutes,
  ...limitRoutes,
  ...alertChannelRoutes,
  ...alertEventRoutes,
  ...monitorRoutes,
  ...providerKeyRoutes,
  ...loadBalanceGroupRoutes,
  ...settingsRoutes,
  ...cacheRoutes,
  ...promptRoutes,
  ...promptVersionRoutes,
  ...promptLabelRoutes,
  ...promptExperimentRoutes,
  ...createLogRoutes,
  ...traceRoutes,
  ...webhookRoutes,
  ...requestLogRoutes,
  ...usageRoutes,
]
