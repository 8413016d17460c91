#!/usr/bin/env bash
# Stores a custom provider and a model, calls the model in three ways, shows its log rows, and removes both.
# SLUICE_URL and SLUICE_KEY must be set; the key needs the admin role. Without UPSTREAM_URL, UPSTREAM_KEY and
# UPSTREAM_MODEL the provider is the gateway itself, so that nothing else is needed on this machine.
set -euo pipefail

upstream_url=${UPSTREAM_URL:-$SLUICE_URL/v1}
upstream_key=${UPSTREAM_KEY:-$SLUICE_KEY}
upstream_model=${UPSTREAM_MODEL:-demo/echo}
question='[{"role": "user", "content": "Hello from curl"}]'

call() {
  local method=$1 path=$2
  shift 2
  curl --silent --show-error --fail-with-body --request "$method" "$SLUICE_URL$path" \
    --header "Authorization: Bearer $SLUICE_KEY" --header 'Content-Type: application/json' "$@"
  echo
}

echo '== the provider and the model'
call POST /api/providers/ --data "{\"provider_id\": \"example\", \"base_url\": \"$upstream_url\", \"api_key\": \"$upstream_key\"}"
call POST /api/models/ --data "{\"model_name\": \"example-model\", \"provider_id\": \"example\", \"upstream_model\": \"$upstream_model\", \"input_cost\": 0.5, \"output_cost\": 1.5}"

echo '== by the name of the model'
call POST /v1/chat/completions --data "{\"model\": \"example-model\", \"messages\": $question}"
echo '== by provider and model'
call POST /v1/chat/completions --data "{\"model\": \"example/$upstream_model\", \"messages\": $question}"
echo '== by path'
call POST /providers/example-model/v1/chat/completions --data "{\"messages\": $question}"

echo '== the newest log rows'
sleep 3
call GET '/api/request-logs/list/?page_size=3'

echo '== clean up'
call DELETE /api/models/example-model
call DELETE /api/providers/example
