/**
 * Everything about tool servers, wired.
 *
 * @module
 */
import { createSealer } from "../adapters/files/sealer.ts";
import type { Agents } from "../core/agents/agents.ts";
import { Asking, type AskingDeps } from "../core/mcp_servers/asking.ts";
import type { Definitions } from "../core/mcp_servers/definitions.ts";
import { Grants } from "../core/mcp_servers/grants.ts";
import { type HubOptions, McpHub } from "../core/mcp_servers/hub.ts";
import { Learning } from "../core/mcp_servers/learning.ts";
import { McpServers } from "../core/mcp_servers/mcp_servers.ts";
import { SignIns } from "../core/mcp_servers/sign_ins.ts";
import type { Policies } from "../core/policies/policies.ts";
import type { Audit } from "../core/identity/audit.ts";
import type { Owner } from "../domain/access.ts";
import { AppError } from "../domain/error.ts";
import type { Sealer } from "../ports/sealer.ts";
import type { Settings } from "../settings/schema.ts";
import { readMcpServers } from "../settings/mcp_servers.ts";
import { createMcp, type Mcp } from "./mcp.ts";
import type { Ports } from "./ports.ts";
import { recordDecisions } from "./sandbox_audit.ts";
import { secretFilesOf } from "./secret_files.ts";

/** What {@linkcode createToolServers} needs. */
export interface ToolServersDeps extends AskingDeps {
  ports: Ports;
  variables: Readonly<Record<string, string>>;
  /** The files that the settings were read from. */
  settingsFiles: () => readonly string[];
  /** Whether servers are started at once, instead of when somebody looks for them. */
  eager: boolean;
  /** Whether only the operator can call, in this process. */
  operator: boolean;
  /** Seals what servers are trusted with. */
  sealer: Sealer;
  definitions: Definitions;
  agents: Agents;
  policies: Policies;
  audit: Audit;
}

/** Tool servers. Disposing them ends every program. */
export interface ToolServers extends AsyncDisposable {
  hub: McpHub;
  servers: McpServers;
  signIns: SignIns;
  learning: Learning;
  sandbox: Mcp["sandbox"];
  clientDocument: Mcp["clientDocument"];
  /** Defines what the settings define. Nothing is started before this. */
  declare(owner: Owner, settings: Settings): Promise<void>;
  /** Puts other settings in force. */
  update(settings: Settings): void;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;

function toHubOptions({ tools, runs }: Settings): HubOptions {
  return {
    max_servers: tools.max_servers,
    connect_timeout_ms: tools.connect_timeout_seconds * SECOND,
    timeout_ms: runs.tool_timeout_seconds * SECOND,
    max_timeout_ms: tools.max_call_seconds * SECOND,
    health_ms: tools.health_seconds * SECOND,
    retry_ms: tools.retry_seconds * SECOND,
    failures: tools.failures,
    window_ms: MINUTE,
    open_ms: tools.rest_seconds * SECOND,
  };
}

/** Seals with the key of the settings, or else one that no backup holds. */
export function createServersSealer({ data_dir, database: { encryption_key } }: Settings): Sealer {
  return createSealer({
    file: `${data_dir}/grants.key`,
    ...encryption_key !== "" && { encryptionKey: encryption_key },
  });
}

/** Wires them. */
export function createToolServers(settings: Settings, deps: ToolServersDeps): ToolServers {
  const {
    ports,
    variables,
    settingsFiles,
    eager,
    operator,
    sealer,
    definitions,
    agents,
    policies,
    audit,
    askPerson,
    askModel,
    noteUnasked,
  } = deps;
  const { store, clock, log, connector: given, sandbox } = ports;
  const tokens = new Grants({ store, clock, sealer });
  const policyOf = (server: string) => {
    const row = definitions.get(server);
    return policies.holding(server, { source: definitions.sourceOf(server), cwd: row?.definition.cwd });
  };
  let current = settings;
  const mcp = createMcp({
    settings,
    hidden: () => secretFilesOf(current, { read: settingsFiles(), variables, trusted: definitions.files() }),
    given: { ...given && { connector: given }, ...sandbox && { sandbox } },
    variables,
    policyOf,
    tokens,
    clock,
    log,
    async askAccess(server, { permission, value, words }, signal) {
      const upstream = hub.get(server);
      const nobody = (why: string) => {
        const refused = `Nobody could be asked whether the server "${server}" may ${words}: ${why}`;
        upstream?.denials.note(refused);
        // An answer would be remembered; another call, by itself, may ask again.
        return new AppError("ConflictError", refused);
      };
      const { grantedPaths } = policies;
      if (permission !== "net" && !grantedPaths.has(value)) throw nobody(grantedPaths.words);
      const tool_call_id = upstream?.onlyCall;
      if (tool_call_id === undefined) {
        throw nobody(
          upstream?.busy ? "several calls are under way, and it could be for any of them" : "no call is under way",
        );
      }
      // A yes widens the box for everybody who uses the server, so it isn't a user's to say.
      const message = `${words} (an admin decides: a yes holds for all users of the server, until MUXI ends)`;
      const answer = await askPerson({ message }, { server, tool_call_id, signal, decider: "admin" });
      if ("unasked" in answer) throw nobody(answer.unasked);
      return answer.action === "accept";
    },
    onGranted: (server) => hub.get(server)?.renew(),
    onDenied: (server, words) => hub.get(server)?.denials.note(words),
    onStarted: (server, process, { learning }) => {
      // A name of its own for each server: what is refused is counted together by its name.
      recordDecisions(process, { action: `${learning ? "sandbox_learn" : "sandbox"}:${server}`, audit, clock });
    },
  });
  const hub: McpHub = new McpHub({
    connector: mcp.connector,
    definitions,
    asking: new Asking({
      askPerson,
      askModel,
      async noteUnasked(server, note) {
        log.warn("Nobody was asked what a tool server wants to know", { server, words: note.words });
        hub.get(server)?.denials.note(note.words);
        await noteUnasked(server, note);
      },
    }),
    clock,
    log,
    options: toHubOptions(settings),
    eager,
    variable: (name) => Object.hasOwn(variables, name) ? variables[name] : undefined,
  });
  const servers = new McpServers({ agents, definitions, hub, clock });
  const watching = policies.watch(() => {
    for (const name of mcp.outdated()) void hub.get(name)?.restart();
  });
  return {
    hub,
    servers,
    signIns: new SignIns({ hub, grants: tokens, signIns: mcp.signIns, clock }),
    learning: new Learning({
      servers,
      policies,
      policyOf: (server) => policyOf(server).policy,
      sourceOf: (server) => definitions.sourceOf(server),
      operator,
      isBoxed: async () => (await mcp.sandbox.abilities()).javascript === "full",
      checkWatchable: ports.learn ? () => Promise.resolve() : mcp.checkWatchable,
      learn: ports.learn ?? mcp.learn,
    }),
    sandbox: mcp.sandbox,
    clientDocument: mcp.clientDocument,
    declare: async (owner, settings) => {
      const { servers, notes } = await readMcpServers(settings, variables);
      for (const words of notes) log.warn("A part of mcp_servers was left out", { words });
      return await definitions.declare(owner, servers);
    },
    update: (settings) => {
      current = settings;
      hub.update(toHubOptions(settings));
    },
    async [Symbol.asyncDispose]() {
      watching[Symbol.dispose]();
      await hub[Symbol.asyncDispose]();
    },
  };
}
