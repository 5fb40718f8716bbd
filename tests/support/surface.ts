/**
 * The public surface, as literals. A change here is a change for everybody who
 * uses MUXI: made by hand, and adding only.
 *
 * @module
 */

/** Kind, id, access, method and path, status of success. */
export const OPERATIONS = `
stream chat_send user POST /chat 200
stream chat_stream user POST /chat/stream 200
stream agent_chat_send user POST /agents/{agent_id}/chat 200
stream agent_chat_stream user POST /agents/{agent_id}/chat/stream 200
stream agent_respond user POST /agents/{agent_id}/respond 200
stream model_complete user POST /agents/{agent_id}/complete 200
call conversation_create user POST /conversations 201
call conversation_list user GET /conversations 200
call user_conversation_list user GET /users/{user_id}/conversations 200
call conversation_get user GET /conversations/{conversation_id} 200
call conversation_update user PATCH /conversations/{conversation_id} 200
call conversation_delete user DELETE /conversations/{conversation_id} 204
call message_create user POST /conversations/{conversation_id}/messages 201
call message_list user GET /conversations/{conversation_id}/messages 200
stream run_create user POST /conversations/{conversation_id}/runs 202
call run_list user GET /runs 200
call run_get user GET /runs/{run_id} 200
call run_steps user GET /runs/{run_id}/steps 200
stream run_events user GET /runs/{run_id}/events 200
call run_cancel user POST /runs/{run_id}/cancel 202
call run_delete user DELETE /runs/{run_id} 204
call tool_call_decide user POST /runs/{run_id}/tool_calls/{tool_call_id}/decision 200
call approval_list user GET /approvals 200
call rtc_session_create user POST /rtc/sessions 201
call rtc_session_list user GET /rtc/sessions 200
call rtc_session_get user GET /rtc/sessions/{session_id} 200
call rtc_session_update user PATCH /rtc/sessions/{session_id} 200
stream rtc_session_events user GET /rtc/sessions/{session_id}/events 200
duplex rtc_session_attach user GET /rtc/sessions/{session_id}/attach 101
call rtc_session_delete user DELETE /rtc/sessions/{session_id} 204
call rtc_offer user POST /rtc/offer 200
call rtc_answer user POST /rtc/answer 204
call rtc_ice_candidate user POST /rtc/ice-candidate 204
call rtc_ice_servers user GET /rtc/ice-servers 200
call rtc_fragment user POST /rtc/sessions/{session_id}/fragment 200
duplex rtc_channel_attach user GET /rtc/sessions/{session_id}/channels/{label} 101
duplex rtc_converse user GET /rtc/converse 101
call rtc_viewer_create user POST /rtc/sessions/{session_id}/viewers 201
call rtc_room_viewer_create user POST /rtc/rooms/{room_id}/viewers 201
call rtc_room_create user POST /rtc/rooms 201
call rtc_room_list user GET /rtc/rooms 200
call rtc_room_get user GET /rtc/rooms/{room_id} 200
call rtc_room_delete user DELETE /rtc/rooms/{room_id} 204
call rtc_room_join user POST /rtc/rooms/{room_id}/members 201
call rtc_room_leave user DELETE /rtc/rooms/{room_id}/members/{member_id} 204
call rtc_room_signal user POST /rtc/rooms/{room_id}/members/{member_id}/signal 204
call rtc_secret_create user POST /rtc/secrets 201
call rtc_secret_session user GET /rtc/secret 200
call rtc_look_list user GET /rtc/sessions/{session_id}/looks 200
call rtc_recording_start user POST /rtc/sessions/{session_id}/recording 201
call rtc_recording_stop user DELETE /rtc/sessions/{session_id}/recording 200
call rtc_recording_get user GET /rtc/sessions/{session_id}/recording 200
call rtc_room_recording_start user POST /rtc/rooms/{room_id}/recording 201
call rtc_room_recording_stop user DELETE /rtc/rooms/{room_id}/recording 200
call rtc_recording_list user GET /rtc/recordings 200
call rtc_recording_download user GET /rtc/recordings/{recording_id}/content 200
call rtc_recording_transcript user GET /rtc/recordings/{recording_id}/transcript 200
call rtc_recording_delete user DELETE /rtc/recordings/{recording_id} 204
call agent_list user GET /agents 200
call agent_get user GET /agents/{agent_id} 200
call agent_create admin POST /agents 201
call agent_update admin PATCH /agents/{agent_id} 200
call agent_delete admin DELETE /agents/{agent_id} 204
call agent_import admin POST /agents/import 200
call mcp_server_list admin GET /agents/{agent_id}/mcp_servers 200
call mcp_server_add admin POST /agents/{agent_id}/mcp_servers 201
call mcp_server_get admin GET /agents/{agent_id}/mcp_servers/{server_name} 200
call mcp_server_update admin PATCH /agents/{agent_id}/mcp_servers/{server_name} 200
call mcp_server_remove admin DELETE /agents/{agent_id}/mcp_servers/{server_name} 204
call mcp_server_restart admin POST /agents/{agent_id}/mcp_servers/{server_name}/restart 200
call mcp_server_learn admin POST /agents/{agent_id}/mcp_servers/{server_name}/learn 200
call mcp_server_sign_in_begin public GET /mcp/sign_in/begin 200
call mcp_server_sign_in public GET /mcp/sign_in 200
call mcp_client_get public GET /mcp/client 200
call tool_list user GET /tools 200
stream catalog_watch user GET /tools/events 200
call tool_get user GET /tools/{tool_name} 200
call tool_invoke admin POST /tools/{tool_name}/invoke 200
stream tool_call user POST /tools/{tool_name}/call 200
call tool_call_answer user POST /tools/calls/{tool_call_id}/answer 204
call resource_list user GET /resources 200
call resource_read user GET /resources/content 200
call resource_complete user POST /resources/complete 200
stream resource_watch user GET /resources/events 200
call prompt_list user GET /prompts 200
call prompt_get user POST /prompts/{prompt_name}/get 200
call prompt_complete user POST /prompts/{prompt_name}/complete 200
call policy_list admin GET /policies 200
call policy_get admin GET /policies/{policy_id} 200
call policy_update admin PATCH /policies/{policy_id} 200
call policy_delete admin DELETE /policies/{policy_id} 204
call mcp_tools user GET /mcp/tools 200
call mcp_request user POST /mcp/request 200
call file_create user POST /files 201
call file_download user GET /files/{file_id}/content 200
call file_get user GET /files/{file_id} 200
call file_delete user DELETE /files/{file_id} 204
call user_list admin GET /users 200
call user_context_set admin POST /users/{user_id}/context 201
call user_context_get admin GET /users/{user_id}/context 200
call user_context_update admin PATCH /users/{user_id}/context 200
call user_context_delete admin DELETE /users/{user_id}/context 204
call health_live public GET ^/health/live 200
call health_ready public GET ^/health/ready 200
call system_status admin GET /system/status 200
call system_usage admin GET /system/usage 200
call config_get admin GET /system/config 200
call config_reload admin POST /system/config/reload 200
call ticket_create user POST /tickets 201
`;

/** What protocols shape: id, route, status of success, and whose access, limit and audit it has. */
export const BY_HAND = `
mcp_stream GET /mcp/stream 200 as mcp_request
mcp_message POST /mcp/message 202 as mcp_request
`;

/** What happens once for each `Idempotency-Key`. */
export const ONCE = `
chat_send
chat_stream
agent_chat_send
agent_chat_stream
agent_respond
conversation_create
message_create
run_create
`;

/** Type and fields of the data. */
export const EVENTS = `
run.queued run_id time conversation_id behind reason
run.started run_id time conversation_id agent_id attempt
run.waiting run_id time reason tool_call_ids
run.completed run_id time message usage finish_reason
run.failed run_id time error usage
run.cancelled run_id time reason usage
step.started run_id time step_id kind agent_id
step.completed run_id time step_id usage message_id
step.restarted run_id time step_id attempt
plan.created run_id time step_id plan
model.delta step_id text
model.reasoning.delta step_id text
message.completed run_id time step_id message
tool.call.started run_id time tool_call_id step_id tool arguments
tool.call.progress run_id time tool_call_id progress total message
tool.call.result run_id time tool_call_id step_id result error duration_ms
tool.call.approval_required run_id time tool_call_id step_id tool arguments reason expires_at question
tool.call.approved run_id time tool_call_id decided_by
tool.call.denied run_id time tool_call_id decided_by reason
agent.handoff run_id time step_id from to
`;

/** Name and status. */
export const ERRORS = `
ValidationError 400
UnauthorizedError 401
ForbiddenError 403
NotFoundError 404
AgentNotFoundError 404
ConversationNotFoundError 404
RunNotFoundError 404
ToolCallNotFoundError 404
UserNotFoundError 404
FileNotFoundError 404
SessionNotFoundError 404
MethodNotAllowedError 405
TimeoutError 408
ConflictError 409
GoneError 410
PayloadTooLargeError 413
UnsupportedMediaTypeError 415
RangeNotSatisfiableError 416
TooManyRequestsError 429
HeadersTooLargeError 431
CancelledError 499
InternalError 500
ProcessError 500
ConfigurationError 500
UpstreamError 502
UnavailableError 503
`;

/** Fields of a collected answer. */
export const ANSWER = "run_id conversation_id status message usage error finish_reason";

/** Paths of the settings. */
export const SETTINGS = `
server.host
server.port
server.base_path
server.env
server.public_url
server.trusted_proxies
server.behind_proxy_tls
server.admin_allow_from
server.tls.cert_file
server.tls.key_file
server.cors.origins
server.max_body_bytes
server.max_upload_bytes
server.body_timeout_seconds
server.max_header_bytes
server.max_requests
server.max_streams
server.max_streams_per_key
server.max_mcp_sessions
server.mcp_session_idle_seconds
server.keepalive_seconds
server.write_timeout_seconds
server.shutdown_seconds
data_dir
database.url
database.encryption_key
redis.url
auth.mode
auth.user_api_key
auth.admin_api_key
auth.api_keys
auth.user_scopes
auth.attempts_per_minute
auth.open_webui_secret
auth.jwt.secret
auth.jwt.public_key_file
auth.jwt.jwks_file
auth.jwt.jwks_url
auth.jwt.issuer
auth.jwt.audience
limits.enabled
limits.warn_below
limits.block_after
limits.block_seconds
limits.classes.read.per_second
limits.classes.read.burst
limits.classes.write.per_second
limits.classes.write.burst
limits.classes.run.per_second
limits.classes.run.burst
limits.classes.tool.per_second
limits.classes.tool.burst
limits.classes.admin.per_second
limits.classes.admin.burst
limits.classes.public.per_second
limits.classes.public.burst
limits.operations
model.provider
model.default_model
model.fallback
model.retries
model.first_token_seconds
model.idle_seconds
model.total_seconds
model.prices
providers.openai.api_key
providers.openai.base_url
providers.openai.pictures
providers.anthropic.api_key
providers.anthropic.base_url
providers.anthropic.pictures
providers.google.api_key
providers.google.base_url
providers.google.pictures
providers.azure.api_key
providers.azure.base_url
providers.azure.pictures
providers.azure.api_version
providers.ollama.api_key
providers.ollama.base_url
providers.ollama.pictures
mcp_servers
tools.policies_file
tools.trust_api_policies
tools.api_paths
tools.max_servers
tools.connect_timeout_seconds
tools.max_call_seconds
tools.health_seconds
tools.retry_seconds
tools.failures
tools.rest_seconds
core_uri
agents.file
agents.default
runs.max_active
runs.lease_seconds
runs.max_attempts
runs.delta_interval_ms
runs.tool_timeout_seconds
runs.approval_timeout_seconds
runs.collect_timeout_seconds
runs.max_queued_per_conversation
rtc.enabled
rtc.host
rtc.port
rtc.tcp
rtc.ipv6
rtc.advertised_addresses
rtc.advertised_port
rtc.ice_lite
rtc.ice_servers
rtc.turn.urls
rtc.turn.secret
rtc.turn.ttl_seconds
rtc.relay_only
rtc.max_calls
rtc.max_calls_per_key
rtc.max_viewers
rtc.max_lag_ms
rtc.connect_timeout_seconds
rtc.lost_seconds
rtc.reattach_seconds
rtc.max_call_seconds
rtc.idle_seconds
rtc.stale_audio_ms
rtc.max_message_bytes
rtc.recording.allowed
rtc.recording.encrypt
rtc.recording.max_bytes
rtc.recording.max_seconds
rtc.recording.max_live
rtc.look.consent
rtc.look.ask_seconds
rtc.look.timeout_seconds
rtc.look.max_per_minute
rtc.look.keep
rtc.rooms.max_rooms
rtc.rooms.max_members
rtc.rooms.follow_up_seconds
rtc.rooms.idle_seconds
rtc.voice.turn_detection
rtc.voice.end_ms
rtc.voice.max_end_ms
rtc.voice.max_turn_seconds
rtc.voice.vad_threshold_db
rtc.voice.min_interrupt_ms
rtc.voice.min_interrupt_words
rtc.voice.typed_interrupts
rtc.voice.echo_guard
rtc.voice.preemptive
rtc.voice.bitrate
rtc.voice.waiting_phrase
rtc.voice.failed_phrase
speech.stt.engine
speech.stt.base_url
speech.stt.api_key
speech.stt.model
speech.stt.command
speech.stt.language
speech.stt.timeout_seconds
speech.stt.retries
speech.stt.input
speech.stt.prompt
speech.stt.stream
speech.tts.engine
speech.tts.base_url
speech.tts.api_key
speech.tts.model
speech.tts.command
speech.tts.language
speech.tts.timeout_seconds
speech.tts.retries
speech.tts.output
speech.tts.rate
speech.tts.voice
speech.tts.instructions
speech.realtime.base_url
speech.realtime.api_key
speech.realtime.model
speech.realtime.transcription_model
speech.realtime.voice
speech.realtime.language
speech.realtime.default
speech.realtime.fallback
speech.realtime.renew_seconds
speech.realtime.timeout_seconds
retention.check_minutes
retention.delta_days
retention.run_days
retention.conversation_days
retention.ephemeral_hours
retention.audit_days
retention.idempotency_hours
retention.max_runs
retention.max_audit_rows
retention.max_model_calls
retention.max_tool_calls
retention.call_days
retention.recording_days
retention.file_days
retention.user_days
retention.orphan_file_hours
log.level
log.format
`;

/** Variables people know, beside those made from the paths above. */
export const VARIABLES = `
server.host MUXI_HOST
server.port MUXI_PORT
server.env MUXI_ENV
auth.user_api_key MUXI_USER_API_KEY
auth.admin_api_key MUXI_ADMIN_API_KEY
auth.mode AUTH_MODE
auth.api_keys API_KEYS
database.url DATABASE_URL
redis.url REDIS_URL
model.provider MODEL_PROVIDER
model.default_model DEFAULT_MODEL
mcp_servers MCP_SERVERS
providers.openai.api_key OPENAI_API_KEY
providers.openai.base_url OPENAI_BASE_URL
providers.anthropic.api_key ANTHROPIC_API_KEY
providers.anthropic.base_url ANTHROPIC_BASE_URL
providers.google.api_key GOOGLE_GENERATIVE_AI_API_KEY GEMINI_API_KEY
providers.azure.api_key AZURE_API_KEY AZURE_OPENAI_API_KEY
providers.azure.base_url AZURE_OPENAI_ENDPOINT
providers.azure.api_version AZURE_OPENAI_API_VERSION
providers.ollama.base_url OLLAMA_HOST
`;

/** Commands written by hand, with what they take. */
export const COMMANDS = `
chat MESSAGE --agent --conversation --user --reasoning --stream --approve --deny --patience --url --key-file --data-dir --log-level --config --set --json --no-color --help
mcp list --agent --url --key-file --data-dir --log-level --config --set --json --no-color --help
mcp add NAME URL | -- COMMAND --agent --allow --read --write --net --cwd --env --header --type --replace --url --key-file --data-dir --log-level --config --set --json --no-color --help
mcp remove NAME --agent --keep-policy --url --key-file --data-dir --log-level --config --set --json --no-color --help
mcp learn NAME --agent --call --apply --prune --force --url --key-file --data-dir --log-level --config --set --json --no-color --help
mcp call TOOL NAME=VALUE | JSON --user --yes --url --key-file --data-dir --log-level --config --set --json --no-color --help
mcp import FILE --agent --input --replace --url --key-file --data-dir --log-level --config --set --json --no-color --help
mcp serve --admin --url --key-file --data-dir --log-level --config --set --no-color --help
serve --host --port --data-dir --log-level --config --set --no-color --help
config print --host --port --data-dir --log-level --config --set --json --no-color --help
config check --host --port --data-dir --log-level --config --set --json --no-color --help
backup DEST --data-dir --log-level --config --set --json --no-color --help
restore SRC --force --data-dir --log-level --config --set --json --no-color --help
doctor --url --key-file --host --port --data-dir --log-level --config --set --json --no-color --help
openapi --host --port --data-dir --log-level --config --set --json --no-color --help
completion SHELL --no-color --help
version --json --no-color --help
help COMMAND --no-color --help
`;

/** Commands made from operations. Their options are the operations' fields. */
export const OPERATION_COMMANDS = `
chat-send
chat-stream
agents chat-send AGENT_ID
agents chat-stream AGENT_ID
agents respond AGENT_ID
agents list
agents get AGENT_ID
agents create
agents update AGENT_ID
agents delete AGENT_ID
agents import
model complete AGENT_ID
conversations create
conversations list
conversations get CONVERSATION_ID
conversations update CONVERSATION_ID
conversations delete CONVERSATION_ID
users conversation-list USER_ID
users list
users context-set USER_ID
users context-get USER_ID
users context-update USER_ID
users context-delete USER_ID
messages create CONVERSATION_ID
messages list CONVERSATION_ID
runs create CONVERSATION_ID
runs list
runs get RUN_ID
runs steps RUN_ID
runs events RUN_ID
runs cancel RUN_ID
runs delete RUN_ID
tool-calls decide RUN_ID TOOL_CALL_ID
tool-calls answer TOOL_CALL_ID
approvals list
rtc session-create
rtc session-list
rtc session-get SESSION_ID
rtc session-update SESSION_ID
rtc session-events SESSION_ID
rtc session-delete SESSION_ID
rtc offer
rtc answer
rtc ice-candidate
rtc ice-servers
rtc fragment SESSION_ID
rtc viewer-create SESSION_ID
rtc room-viewer-create ROOM_ID
rtc room-create
rtc room-list
rtc room-get ROOM_ID
rtc room-delete ROOM_ID
rtc room-join ROOM_ID
rtc room-leave ROOM_ID MEMBER_ID
rtc room-signal ROOM_ID MEMBER_ID
rtc secret-create
rtc secret-session
rtc look-list SESSION_ID
rtc recording-start SESSION_ID
rtc recording-stop SESSION_ID
rtc recording-get SESSION_ID
rtc room-recording-start ROOM_ID
rtc room-recording-stop ROOM_ID
rtc recording-list
rtc recording-download RECORDING_ID
rtc recording-transcript RECORDING_ID
rtc recording-delete RECORDING_ID
mcp-servers list AGENT_ID
mcp-servers add AGENT_ID
mcp-servers get AGENT_ID SERVER_NAME
mcp-servers update AGENT_ID SERVER_NAME
mcp-servers remove AGENT_ID SERVER_NAME
mcp-servers restart AGENT_ID SERVER_NAME
mcp-servers learn AGENT_ID SERVER_NAME
mcp-servers sign-in-begin
mcp-servers sign-in
mcp client-get
mcp tools
mcp request
tools list
tools get TOOL_NAME
tools invoke TOOL_NAME
tools call TOOL_NAME
catalog watch
resources list
resources read
resources complete
resources watch
prompts list
prompts get PROMPT_NAME
prompts complete PROMPT_NAME
policies list
policies get POLICY_ID
policies update POLICY_ID
policies delete POLICY_ID
files create FILE
files download FILE_ID
files get FILE_ID
files delete FILE_ID
health live
health ready
system status
system usage
config get
config reload
tickets create
`;

/** Short forms of options. */
export const SHORT = "-V --version, -a --agent, -c --config, -e --env, -h --help, -o --output, -p --port, -y --yes";
