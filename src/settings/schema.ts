/**
 * Every setting: its name, what it may be, its default and why it exists.
 *
 * @module
 */
import { z } from "zod";
import { isIP } from "node:net";
import { LOG_LEVELS } from "../kit/log.ts";
import { Rtc, Speech } from "./calls.ts";
import { amount, count, flag, httpUrl, key, list, reloadable, secret, text } from "./fields.ts";

function isAddress(value: string): boolean {
  const [address = "", bits, ...rest] = value.split("/");
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  // Of a mapped network the first bits only say that it is one.
  const least = /^::ffff:/i.test(address) ? 96 : 0;
  return bits === undefined ||
    (/^\d{1,3}$/.test(bits) && Number(bits) >= least && Number(bits) <= (family === 4 ? 32 : 128));
}

function isOrigin(value: string): boolean {
  return value === "*" || URL.parse(value)?.origin === value;
}

const Network = z.string().refine(isAddress, "an address or a network such as 10.0.0.0/8");
const Origin = z.string().refine(isOrigin, 'an origin such as https://example.org, or "*"');
const BasePath = z.string().refine((path) => /^$|^(\/[\w.~-]+)+$/.test(path), "empty, or a path such as /muxi");
const ApiKey = z.string().refine(
  (value) => /^[\w.-]{1,64}:(user|admin):[\x21-\x7e]{1,512}$/.test(value),
  "name:access:key, where access is user or admin",
);

const Tls = z.strictObject({
  cert_file: text("The certificate chain in PEM; with it and the key MUXI speaks HTTPS itself"),
  key_file: text("The certificate's private key in PEM"),
});

const Server = z.strictObject({
  host: text("The address to listen on; 127.0.0.1 keeps strangers out, containers use 0.0.0.0", "127.0.0.1"),
  port: count("The port to listen on; 0 takes any that is free", 8000, { min: 0, max: 65_535 }),
  base_path: BasePath.default("").describe("The path a proxy puts in front, such as /muxi"),
  env: z.enum(["development", "production"]).default("development")
    .describe("Production refuses generated keys, short keys and plain HTTP without a declared proxy"),
  public_url: httpUrl("The address others reach this server by; empty: made from host and port"),
  trusted_proxies: list("Proxies whose forwarded headers are believed: addresses or networks", Network),
  behind_proxy_tls: flag("Says that a proxy in front speaks TLS, so that production accepts plain HTTP", false),
  admin_allow_from: list("Addresses or networks that may use admin operations; empty: anywhere", Network),
  tls: Tls.prefault({}).describe("HTTPS without a proxy"),
  cors: z.strictObject({
    origins: list("Web origins that browsers may call from; empty: none", Origin).meta(reloadable),
  }).prefault({}).describe("Other web sites' access"),
  max_body_bytes: count("The largest body of a request", 1_048_576, { min: 1024 }),
  max_upload_bytes: count("The largest file that can be uploaded", 20_971_520, { min: 1024, max: 1e12 }),
  body_timeout_seconds: count("How long a body may take to arrive, so that slow senders hold nothing", 30),
  max_header_bytes: count("The largest set of headers", 16_384, { min: 1024, max: 1_048_576 }),
  max_requests: count("Requests served at the same time; more are answered 503", 1024),
  max_streams: count("Streams open at the same time", 10_000),
  max_streams_per_key: count("Streams one key may have open at the same time", 2000),
  max_mcp_sessions: count(
    "Sessions of MCP clients of the older revisions; a new one ends the one idle longest of the key with the most",
    10_000,
  ),
  mcp_session_idle_seconds: count("How long such a session may be idle", 1800),
  keepalive_seconds: count("Pause after which a silent stream sends a comment, so that proxies keep it", 15),
  write_timeout_seconds: count("How long a reader may block a stream before it is closed", 60),
  shutdown_seconds: count("How long runs and streams get to end when the server stops", 10, { min: 0 }),
});

const Auth = z.strictObject({
  mode: z.enum(["apikey", "jwt", "apikey,jwt"]).default("apikey").describe("What is accepted as proof of who asks"),
  user_api_key: key("The key of applications; empty: one is generated at every start"),
  admin_api_key: key("The key that may do everything; empty: one is generated at every start"),
  api_keys: z.array(ApiKey).default([])
    .meta({ description: "More keys, each name:access:key", secret: true, reloadable: true }),
  user_scopes: list("What user keys of the settings may do beyond the usual: tools (call tools directly)")
    .meta(reloadable),
  attempts_per_minute: count("Failed attempts one address may make before it has to wait", 20),
  open_webui_secret: secret(
    "What Open WebUI signs its users with, 32 bytes or more; empty: signatures are not looked at",
  ),
  jwt: z.strictObject({
    secret: secret("The shared secret of tokens signed with HS256 and its kin"),
    public_key_file: text("The public key in PEM that tokens are checked with"),
    jwks_file: text("A file with the key set that tokens are checked with"),
    jwks_url: httpUrl("The address of the key set that tokens are checked with"),
    issuer: text("Who must have issued a token; empty: anybody with the key"),
    audience: text("For whom a token must be; empty: anybody"),
  }).prefault({}).describe("Tokens of somebody else's sign-in"),
});

const Bucket = z.strictObject({
  per_second: z.number().min(0.001).max(1_000_000).describe("How fast a key's budget refills"),
  burst: z.number().int().min(1).max(1_000_000).describe("How much a key may spend at once"),
});

const budget = (why: string, per_second: number, burst: number) =>
  z.strictObject({
    per_second: amount("How fast a key's budget refills", per_second, { min: 0.001 }),
    burst: count("How much a key may spend at once", burst, { max: 1_000_000 }),
  }).prefault({}).describe(why);

const Limits = z.strictObject({
  enabled: flag("Turns every rate limit on or off", true),
  warn_below: amount("The share of a budget left at which answers begin to carry a warning", 0.2, { max: 1 }),
  block_after: count("Refusals within a minute after which a key is blocked for a while", 10),
  block_seconds: count("How long such a block lasts", 60),
  classes: z.strictObject({
    read: budget("Operations that only read", 200, 1000),
    write: budget("Operations that change something", 100, 500),
    run: budget("Operations that start a run", 50, 500),
    tool: budget("Direct calls of tools", 200, 1000),
    admin: budget("Operations of administration", 50, 200),
    public: budget("Operations that need no key, per address", 20, 100),
  }).prefault({}).describe("Budgets per key and class of operation"),
  operations: z.record(z.string(), Bucket).default({})
    .describe("Budgets of single operations by id, such as run_create: { per_second: 5, burst: 20 }"),
}).meta(reloadable);

const Price = z.strictObject({
  input: z.number().min(0),
  output: z.number().min(0),
  cached_input: z.number().min(0).optional(),
});

const Model = z.strictObject({
  provider: text("Who answers when an agent names nobody; empty: who has a key, else a local Ollama, else offline"),
  default_model: text("The model when an agent names none; empty: the provider's usual one"),
  fallback: list("Tried in turn when the first fails before its first token: provider/model"),
  retries: count("Attempts after a failure that may pass, before the next fallback", 2, { min: 0, max: 20 }),
  first_token_seconds: count("How long a model may take to begin", 60),
  idle_seconds: count("How long a model may pause once it has begun", 60),
  total_seconds: count("How long one call of a model may take", 600),
  prices: z.record(z.string(), Price).default({})
    .describe("US dollars per million tokens by provider/model: { input: 2.5, output: 10, cached_input: 1.25 }"),
}).meta(reloadable);

const providerShape = (base_url = "") => ({
  api_key: secret("The key the provider gave you"),
  base_url: httpUrl("Another address of the same protocol; empty: the provider's own", base_url),
  pictures: list(
    "The formats of pictures it reads, such as image/png; empty: the usual ones, image/webp among them",
    z.string().regex(/^image\/[\w.+-]+$/, "a format such as image/png"),
  ),
});
const provider = (why: string, base_url?: string) => z.strictObject(providerShape(base_url)).prefault({}).describe(why);

const Providers = z.object({
  openai: provider("OpenAI"),
  anthropic: provider("Anthropic"),
  google: provider("Google's Gemini"),
  azure: z.strictObject({
    ...providerShape(),
    api_version: text("The version of Azure's interface; empty: the newest known"),
  }).prefault({}).describe("OpenAI's models at Azure"),
  ollama: provider(
    "Models on this machine; used by itself when nothing else is set and it answers",
    "http://127.0.0.1:11434",
  ),
}).catchall(z.strictObject(providerShape())).meta(reloadable);

const Runs = z.strictObject({
  max_active: count("Runs at work at the same time; a request for one more is answered 503", 512),
  lease_seconds: count("How long a run's owner may be silent before another takes it over", 15, { min: 2 }),
  max_attempts: count("Attempts of a step that the process died in, before its run fails", 3, { max: 100 }),
  delta_interval_ms: count("Text is gathered this long before it becomes an event", 25, { min: 0, max: 10_000 }),
  tool_timeout_seconds: count("How long one call of a tool may take", 120).meta(reloadable),
  approval_timeout_seconds: count("How long a run waits for a person's decision", 86_400).meta(reloadable),
  collect_timeout_seconds: count("How long a caller that can't stream is kept waiting", 600).meta(reloadable),
  max_queued_per_conversation: count("Messages that may wait behind a busy conversation", 32),
});

const Tools = z.strictObject({
  policies_file: text("The file of tool policies, laid over the built-in ones; empty: those alone"),
  trust_api_policies: flag(
    "Lets admin keys do by API what else only policy files do: run servers unsandboxed, and hand on MUXI's variables",
    false,
  ),
  api_paths: z.array(z.string().startsWith("/", "whole paths")).default(["/"]).describe(
    "Folders that policies, learning and answers by API may let programs read and write; / means any",
  ),
  max_servers: count("Programs of tool servers running at the same time; idle ones are stopped for others", 64),
  connect_timeout_seconds: count("How long a tool server may take to start and answer", 120),
  max_call_seconds: count("How long one call of a tool may take while it tells its progress", 3600),
  health_seconds: count("Pause after which a silent tool server is asked whether it lives", 30),
  retry_seconds: count("The longest pause before a tool server that failed is tried again", 60),
  failures: count("Failures within a minute after which a tool server is let alone for a while", 5),
  rest_seconds: count("How long it is let alone", 30),
}).meta(reloadable);

const Retention = z.strictObject({
  check_minutes: count("How often old data is looked for", 60),
  delta_days: count("How long the single pieces of an answer are kept", 7),
  run_days: count("How long finished runs are kept", 90),
  conversation_days: count("How long a conversation nobody uses is kept", 365),
  ephemeral_hours: count("How long a conversation is kept that was made for one answer", 1),
  audit_days: count("How long the audit log is kept", 90),
  idempotency_hours: count("How long an Idempotency-Key is remembered", 24),
  max_runs: count("Finished runs kept at most, whatever their age", 200_000),
  max_audit_rows: count("Rows of the audit log kept at most, whatever their age", 500_000),
  max_model_calls: count("Rows of model calls kept at most, whatever their age", 1_000_000),
  max_tool_calls: count("Rows of direct calls of tools kept at most, whatever their age", 1_000_000),
  call_days: count("How long it is kept which calls there were; what was said stays in the conversation", 90),
  recording_days: count("How long recordings of calls are kept", 30),
  file_days: count("How long uploaded files are kept", 365),
  user_days: count("How long users are known who were not seen and of whom nothing is known", 365),
  orphan_file_hours: count("How long bytes are kept that a crash left without a record", 24),
}).meta(reloadable);

/** Every setting. Parsing `{}` gives the defaults. */
export const Settings = z.strictObject({
  server: Server.prefault({}).describe("The listening side"),
  data_dir: text("The folder of everything that is kept; one process owns it at a time", "./data"),
  database: z.strictObject({
    url: text("Where rows are kept: file:path or sqlite:///path; empty: muxi.db in the data folder"),
    encryption_key: secret("Encrypts the database file; it can't be read without it"),
  }).prefault({}).describe("Rows"),
  redis: z.strictObject({
    url: secret("For several instances; kept for a later version"),
  }).prefault({}).describe("Wakes between instances"),
  auth: Auth.prefault({}).describe("Who may enter"),
  limits: Limits.prefault({}).describe("How much one key may ask for"),
  model: Model.prefault({}).describe("How models are called"),
  providers: Providers.prefault({})
    .describe("Who offers models; any further name is taken for an OpenAI-compatible one, with api_key and base_url"),
  mcp_servers: z.union([z.string(), z.array(z.record(z.string(), z.unknown())), z.record(z.string(), z.unknown())])
    .default("").meta({
      description:
        "Tool servers: a list, the mcpServers of a desktop host, either as JSON, or the path of a file of it",
      secret: true,
      ...reloadable,
    }),
  tools: Tools.prefault({}).describe("Tool servers, and what they may do"),
  core_uri: httpUrl("The address of a separate MUXI Core; kept for a later version"),
  agents: z.strictObject({
    file: text("The file agents are read from; empty: the built-in config/agents.yaml"),
    default: text("The agent that answers when a request names none", "assistant"),
  }).prefault({}).describe("Who answers"),
  runs: Runs.prefault({}).describe("How runs are carried out"),
  rtc: Rtc.prefault({}).describe("Calls: voice, camera and screen over WebRTC"),
  speech: Speech.prefault({}).describe("How agents hear and speak in calls"),
  retention: Retention.prefault({}).describe("How long things are kept"),
  log: z.strictObject({
    level: z.enum(LOG_LEVELS).default("info").meta({ description: "From quiet to talkative", ...reloadable }),
    format: z.enum(["auto", "text", "json"]).default("auto").describe("auto: text on a terminal, else JSON"),
  }).prefault({}).describe("What is told of the server's work"),
});
/** See {@linkcode Settings}. */
export type Settings = z.infer<typeof Settings>;
