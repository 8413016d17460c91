import type { PromptContent } from '../platform/prompt-content'
import type { PromptExperimentRow, PromptVersionRow } from '../platform/prompts-schema'
import type { WholePrompt } from '../prompts/prompt-store'
import { PARAMETER_NAMES, readTemplates } from '../prompts/version-fields'

/** A prompt as the API shows it (compatibility document, A7). */
export function shownPrompt(prompt: WholePrompt, isWhole: boolean) {
  const { row, versions, labels } = prompt
  const live = versions.find(({ version }) => version === row.liveVersion)
  const [current] = versions
  return {
    ...{ id: row.promptId, prompt_id: row.promptId, full_prompt_id: row.promptId },
    ...{ name: row.name, description: row.description, prompt_slug: row.slug, tags: row.tags },
    starred: row.starred,
    current_version: current === undefined ? null : shownVersion(prompt, current),
    live_version: live === undefined ? null : shownVersion(prompt, live),
    labels: Object.fromEntries(labels.map(({ label, version }) => [label, version])),
    ...(isWhole
      ? {
          prompt_versions: versions.map((version) => shownVersion(prompt, version)),
          commit_count: versions.filter(({ committedAtMs }) => committedAtMs !== null).length,
        }
      : {
          commit_count:
            current === undefined ? 0 : current.version - (current.committedAtMs === null ? 1 : 0),
        }),
    ...times(row),
  }
}

/** A version as the API shows it; what it does not set is null. */
export function shownVersion({ row, labels }: WholePrompt, version: PromptVersionRow) {
  const { content } = version
  const parameters = PARAMETER_NAMES.map((name) => [name, content.parameters[name] ?? null] as const)
  return {
    ...{ id: version.id, prompt_version_id: version.id, version: version.version },
    description: version.description,
    messages: content.messages,
    model: content.model ?? null,
    stream: content.stream ?? false,
    ...Object.fromEntries(parameters),
    variables: variablesOf(content),
    missing_variables: content.missingVariables ?? 'error',
    fallback_models: content.fallbackModels ?? [],
    load_balance_models: content.loadBalanceModels ?? [],
    json_schema: content.jsonSchema ?? null,
    is_enforcing_response_format: content.isEnforcingResponseFormat ?? null,
    readonly: version.committedAtMs !== null,
    is_deployed: version.version === row.liveVersion,
    labels: labels.filter((one) => one.version === version.version).map(({ label }) => label),
    edited_by: { id: version.editorId, email: null, first_name: version.editorName, last_name: null },
    parent_prompt: row.promptId,
    ...times(version),
  }
}

/** An experiment as the API shows it. */
export function shownExperiment(experiment: PromptExperimentRow) {
  const { id, promptId, name, stickyBy, arms, isRunning } = experiment
  return {
    ...{ id, prompt_id: promptId, name, versions: arms, sticky_by: stickyBy },
    status: isRunning ? 'running' : 'stopped',
    results: `/api/usage/?group_by=prompt_version&prompt_id=${encodeURIComponent(promptId)}`,
    ...times(experiment),
  }
}

/** Those that the templates use, with their defaults; null is none. */
function variablesOf(content: PromptContent): Record<string, unknown> {
  const templates = readTemplates(content)
  const found = 'problem' in templates ? [] : [...templates.variables]
  return { ...Object.fromEntries(found.map((name) => [name, null])), ...content.variables }
}

function times({ createdAtMs, updatedAtMs }: { createdAtMs: number; updatedAtMs: number }) {
  return { created_at: new Date(createdAtMs).toISOString(), updated_at: new Date(updatedAtMs).toISOString() }
}
