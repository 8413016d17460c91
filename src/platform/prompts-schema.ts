import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import type { ExperimentArm, PromptContent } from './prompt-content'

/** Prompts by id; requests may call them by their slug or name, too. */
export const prompts = sqliteTable('prompts', {
  promptId: text('prompt_id').primaryKey(),
  slug: text('slug').notNull().unique(),
  name: text('name').notNull(),
  description: text('description').notNull(),
  tags: text('tags', { mode: 'json' }).$type<string[]>().notNull(),
  starred: integer('starred', { mode: 'boolean' }).notNull(),
  /** The version that a request gets which asks for none. */
  liveVersion: integer('live_version'),
  createdAtMs: integer('created_at_ms').notNull(),
  updatedAtMs: integer('updated_at_ms').notNull(),
})

/** Versions of prompts; one that is committed is never changed again. */
export const promptVersions = sqliteTable(
  'prompt_versions',
  {
    id: text('id').primaryKey(),
    promptId: text('prompt_id').notNull(),
    version: integer('version').notNull(),
    description: text('description').notNull(),
    content: text('content', { mode: 'json' }).$type<PromptContent>().notNull(),
    /** The name and id of the API key that wrote it last. */
    editorId: text('editor_id'),
    editorName: text('editor_name'),
    committedAtMs: integer('committed_at_ms'),
    createdAtMs: integer('created_at_ms').notNull(),
    updatedAtMs: integer('updated_at_ms').notNull(),
  },
  (table) => [uniqueIndex('prompt_versions_by_number').on(table.promptId, table.version)],
)

/** Names that point at a version of a prompt: `production`, `staging` or any other. */
export const promptLabels = sqliteTable(
  'prompt_labels',
  {
    promptId: text('prompt_id').notNull(),
    label: text('label').notNull(),
    version: integer('version').notNull(),
    updatedAtMs: integer('updated_at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.promptId, table.label] })],
)

/** Versions that share a prompt's requests; at most one of a prompt runs. */
export const promptExperiments = sqliteTable(
  'prompt_experiments',
  {
    id: text('id').primaryKey(),
    promptId: text('prompt_id').notNull(),
    name: text('name').notNull(),
    stickyBy: text('sticky_by', { enum: ['customer', 'thread', 'request'] }).notNull(),
    arms: text('arms', { mode: 'json' }).$type<ExperimentArm[]>().notNull(),
    isRunning: integer('is_running', { mode: 'boolean' }).notNull(),
    createdAtMs: integer('created_at_ms').notNull(),
    updatedAtMs: integer('updated_at_ms').notNull(),
  },
  (table) => [index('prompt_experiments_by_prompt').on(table.promptId)],
)

export type PromptRow = typeof prompts.$inferSelect
export type PromptVersionRow = typeof promptVersions.$inferSelect
export type PromptLabelRow = typeof promptLabels.$inferSelect
export type PromptExperimentRow = typeof promptExperiments.$inferSelect
