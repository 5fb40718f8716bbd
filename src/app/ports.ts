/**
 * The world, opened as the settings say.
 *
 * @module
 */
import builtInAgents from "../../config/agents.yaml" with { type: "text" };
import { openFileBlobs } from "../adapters/files/blobs.ts";
import { createJsonSchema } from "../adapters/json_schema/json_schema.ts";
import { lockDataDir } from "../adapters/libsql/owner_lock.ts";
import { openLibsqlStore } from "../adapters/libsql/store.ts";
import { createModel } from "../adapters/models/model.ts";
import { createOfflineModel } from "../adapters/offline/model.ts";
import { createAgentFiles } from "../adapters/yaml/agent_file.ts";
import type { Learn } from "../core/mcp_servers/learning.ts";
import { AppError } from "../domain/error.ts";
import { type Clock, systemClock } from "../kit/clock.ts";
import { createLog, type Log } from "../kit/log.ts";
import type { AgentFiles } from "../ports/agent_files.ts";
import type { Blobs } from "../ports/blobs.ts";
import type { JsonSchema } from "../ports/json_schema.ts";
import type { McpConnector } from "../ports/mcp_client.ts";
import type { McpSignIns } from "../ports/mcp_tokens.ts";
import type { Model } from "../ports/model.ts";
import type { Sandbox } from "../ports/sandbox.ts";
import type { Store } from "../ports/store.ts";
import type { Toolbox } from "../ports/toolbox.ts";
import type { Wake } from "../ports/wake.ts";
import { toDatabase } from "../settings/checks.ts";
import type { Settings } from "../settings/schema.ts";
import type { GivenMedia } from "./rtc_ports.ts";

/** Everything the core needs of the world. */
export interface Ports {
  store: Store;
  blobs: Blobs;
  model: Model;
  schema: JsonSchema;
  agentFiles: AgentFiles;
  toolbox?: Toolbox;
  connector?: McpConnector & McpSignIns;
  sandbox?: Sandbox;
  /** Runs the program of a tool server to see what it needs. */
  learn?: Learn;
  wake?: Wake;
  /** Parts of what calls need; the rest is made from the settings. */
  media?: GivenMedia;
  clock: Clock;
  log: Log;
}

/** Ports that are open, and what the settings say of their insides. */
export interface OpenPorts extends Ports {
  /** Puts other settings in force. */
  reconfigure(settings: Settings): void;
  /** Reads the settings' own file, which may name variables. */
  ownAgentFiles: AgentFiles;
  /** The text of the agents' file. */
  readAgents(): Promise<{ text: string; format: "yaml" | "json" }>;
}

const encoder = new TextEncoder();

/** A log on standard error. */
export function openLog({ log }: Settings): Log {
  const format = log.format === "auto" ? (Deno.stderr.isTerminal() ? "text" : "json") : log.format;
  return createLog({
    level: log.level,
    format,
    write: (line) => void Deno.stderr.writeSync(encoder.encode(`${line}\n`)),
  });
}

/** Opens what `given` lacks. What is opened is closed with `stack`. */
export async function openPorts(
  settings: Settings,
  given: Partial<Ports>,
  variables: Readonly<Record<string, string>>,
  stack: AsyncDisposableStack,
): Promise<OpenPorts> {
  const log = given.log ?? openLog(settings);
  const clock = given.clock ?? systemClock;
  const encryption = settings.database.encryption_key === "" ? {} : { encryptionKey: settings.database.encryption_key };
  if (!given.store || !given.blobs) {
    await Deno.mkdir(settings.data_dir, { recursive: true, mode: 0o700 });
    stack.use(lockDataDir(settings.data_dir));
  }
  const store = given.store ??
    stack.use(await openLibsqlStore({ path: toDatabase(settings).path, ...encryption, log }));
  const blobs = given.blobs ?? await openFileBlobs({ dir: `${settings.data_dir}/files`, ...encryption });
  let model = given.model ?? openModel(settings, { clock, log });
  return {
    store,
    blobs,
    clock,
    log,
    model: { stream: (request, options) => model.stream(request, options), check: () => model.check() },
    schema: given.schema ?? createJsonSchema(),
    // What comes over the API must not read the server's environment.
    agentFiles: given.agentFiles ?? createAgentFiles({ variables: {} }),
    ownAgentFiles: given.agentFiles ?? createAgentFiles({ variables }),
    ...given.toolbox && { toolbox: given.toolbox },
    ...given.connector && { connector: given.connector },
    ...given.sandbox && { sandbox: given.sandbox },
    ...given.learn && { learn: given.learn },
    ...given.wake && { wake: given.wake },
    ...given.media && { media: given.media },
    reconfigure(next) {
      log.level = next.log.level;
      if (!given.model) model = openModel(next, { clock, log });
    },
    readAgents: () => readAgents(settings),
  };
}

/** The model that the settings name. */
export function openModel(settings: Settings, { clock, log }: { clock: Clock; log: Log }): Model {
  const { provider, default_model, fallback, retries, prices, ...times } = settings.model;
  return createModel({
    provider: provider || undefined,
    default_model: default_model || undefined,
    providers: settings.providers,
    fallback,
    retries,
    prices: prices as Parameters<typeof createModel>[0]["prices"],
    timeouts: {
      first_token_ms: times.first_token_seconds * 1000,
      idle_ms: times.idle_seconds * 1000,
      total_ms: times.total_seconds * 1000,
    },
    offline: createOfflineModel(),
    clock,
    log,
  });
}

/** The text of the agents' file. */
export async function readAgents({ agents: { file } }: Settings): Promise<{ text: string; format: "yaml" | "json" }> {
  if (file === "") return { text: builtInAgents, format: "yaml" };
  try {
    return { text: await Deno.readTextFile(file), format: file.endsWith(".json") ? "json" : "yaml" };
  } catch (cause) {
    throw new AppError("ConfigurationError", `Cannot read agents.file = "${file}": it can't be opened`, { cause });
  }
}
