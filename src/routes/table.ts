import { alertChannelRoutes } from './alert-channels'
import { alertEventRoutes } from './alert-events'
import { apiKeyRoutes } from './api-keys'
import { cacheRoutes } from './cache'
import { chatCompletions } from './chat-completions'
import { createLogRoutes } from './create-logs'
import { customModelRoutes } from './custom-models'
import { explainRoute } from './explain'
import { generateContent } from './generate-content'
import { health } from './health'
import { limitDriftRoutes } from './limit-drift'
import { limitRoutes } from './limits'
import { loadBalanceGroupRoutes } from './load-balance-groups'
import { mediaRoutes } from './media'
import { messageRoutes } from './messages'
import { modelRoutes } from './models'
import { monitorRoutes } from './monitors'
import { passThroughRoutes } from './pass-through'
import { pinnedAnswers, pinnedModels, pinnedOthers } from './pinned-provider'
import { promptExperimentRoutes } from './prompt-experiments'
import { promptLabelRoutes } from './prompt-labels'
import { promptVersionRoutes } from './prompt-versions'
import { promptRoutes } from './prompts'
import { providerKeyRoutes } from './provider-keys'
import { providerRoutes } from './providers'
import { publicModels } from './public-models'
import { requestLogRoutes } from './request-logs'
import { createResponse } from './responses'
import type { Route } from './route'
import { settingsRoutes } from './settings'
import { storedObjectRoutes } from './stored-objects'
import { temporaryKeyRoutes } from './temporary-keys'
import { threadRoutes } from './threads'
import { traceRoutes } from './traces'
import { usageRoutes } from './usage'
import { userRoutes } from './users'
import { webhookRoutes } from './webhooks'

/** Every route of the gateway; a path that two of them match belongs to the first. */
export const routes: readonly Route[] = [
  chatCompletions,
  createResponse,
  ...messageRoutes,
  generateContent,
  ...mediaRoutes,
  explainRoute,
  health,
  ...pinnedAnswers,
  pinnedModels,
  publicModels,
  ...modelRoutes,
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
  ...storedObjectRoutes,
  ...passThroughRoutes,
  ...pinnedOthers,
]
