#!/usr/bin/env bash
# Starts Open WebUI, installed with `pip install open-webui`, in front of a MUXI that runs, on http://127.0.0.1:3000:
#
#   MUXI_URL=http://127.0.0.1:8000 MUXI_USER_API_KEY=sk_muxi_user_… examples/open_webui.sh
#
# The first person to sign up there is its admin. What it keeps is in DATA_DIR. Nothing is downloaded.
set -euo pipefail
: "${MUXI_USER_API_KEY:?the key with which Open WebUI asks MUXI}"

export OPENAI_API_BASE_URLS="${MUXI_URL:-http://127.0.0.1:8000}/v1"
export OPENAI_API_KEYS="$MUXI_USER_API_KEY"
export OPENAI_API_CONFIGS='{"0": {"headers": {
  "X-Muxi-Conversation": "{{CHAT_ID}}", "X-Muxi-User": "{{USER_ID}}",
  "X-Muxi-Task": "{{TASK}}", "X-Muxi-Events": "openwebui"}}}'
# With the same secret on both sides, MUXI is told who asks by a signature.
if [ -n "${MUXI_AUTH_OPEN_WEBUI_SECRET:-}" ]; then
  export ENABLE_FORWARD_USER_INFO_HEADERS=True FORWARD_USER_INFO_HEADER_JWT_SECRET="$MUXI_AUTH_OPEN_WEBUI_SECRET"
fi

export DATA_DIR="${DATA_DIR:-$PWD/data/open-webui}"
mkdir -p "$DATA_DIR"
# What comes from here beats what an earlier start has stored.
export ENABLE_PERSISTENT_CONFIG=False ENABLE_OLLAMA_API=False
# No models for search in documents, no look for updates.
export OFFLINE_MODE=True HF_HUB_OFFLINE=1 ENABLE_VERSION_UPDATE_CHECK=False BYPASS_EMBEDDING_AND_RETRIEVAL=True
export ANONYMIZED_TELEMETRY=False DO_NOT_TRACK=True
exec "${OPEN_WEBUI:-open-webui}" serve --host 127.0.0.1 --port "${PORT:-3000}"
