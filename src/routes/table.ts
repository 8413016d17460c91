import { apiKeyRoutes } from './api-keys'
import { chatCompletions } from './chat-completions'
import { customModelRoutes } from './custom-models'
import { health } from './health'
import { limitRoutes } from './limits'
import { modelRoutes } from './models'
import { pinnedChat, pinnedModels, pinnedOthers } from './pinned-provider'
import { providerRoutes } from './providers'
import { requestLogRoutes } from './request-logs'
import type { Route } from './route'

/** Every route of the gateway; a path that two of them match belongs to the first. */
export const routes: readonly Route[] = [
  chatCompletions,
  health,
  pinnedChat,
  pinnedModels,
  ...modelRoutes,
  ...customModelRoutes,
  ...providerRoutes,
  ...apiKeyRoutes,
  ...limitRoutes,
  ...requestLogRoutes,
  ...pinnedOthers,
]
