import { chatCompletions } from './chat-completions'
import { explainRoute } from './explain'
import { managementRoutes } from './forward-management'
import { generateContent } from './generate-content'
import { health } from './health'
import { keptAnswerRoutes } from './kept-answers'
import { mediaRoutes } from './media'
import { messageRoutes } from './messages'
import { modelRoutes } from './models'
import { passThroughRoutes } from './pass-through'
import { pinnedAnswers, pinnedModels, pinnedOthers } from './pinned-provider'
import { publicModels } from './public-models'
import { createResponse } from './responses'
import type { Route } from './route'
import { storedObjectRoutes } from './stored-objects'

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
  ...keptAnswerRoutes,
  ...managementRoutes,
  ...storedObjectRoutes,
  ...passThroughRoutes,
  ...pinnedOthers,
]
