/**
 * Connections to tool servers and the sandbox of their programs, loaded when the first server is there.
 *
 * @module
 */
import type { OAuthIdentity } from "../adapters/mcp/oauth_provider.ts";
import type { Learn } from "../core/mcp_servers/learning.ts";
import type { HeldPolicy } from "../core/policies/grants_of_files.ts";
import { toCommandLine } from "../domain/mcp_definition.ts";
import type { McpServer } from "../domain/mcp_server.ts";
import type { Clock } from "../kit/clock.ts";
import type { Log } from "../kit/log.ts";
import type { McpConnector } from "../ports/mcp_client.ts";
import type { McpSignIns, McpTokens } from "../ports/mcp_tokens.ts";
import type { AccessQuestion, Process, Program, Sandbox } from "../ports/sandbox.ts";
import type { Settings } from "../settings/schema.ts";
import { VERSION } from "../version.ts";
import { findDeno } from "./find_deno.ts";
import { lazy } from "./lazy.ts";
import { createLearn, type Spawn } from "./mcp_learn.ts";

/** What {@linkcode createMcp} needs. */
export interface McpDeps {
  settings: Settings;
  /** Given by a program that embeds MUXI, or a test. */
  given: { connector?: McpConnector & McpSignIns; sandbox?: Sandbox };
  /** Files and folders that no program sees. */
  hidden: () => readonly string[];
  variables: Readonly<Record<string, string>>;
  /** The policy that holds the program of a server. */
  policyOf(server: string): HeldPolicy;
  tokens: McpTokens;
  clock: Clock;
  log: Log;
  /** Asks the person for whom a server is called whether its program may do something. */
  askAccess(server: string, question: AccessQuestion, signal: AbortSignal): Promise<boolean>;
  /** Told when the program of a server may do more from its next start on. */
  onGranted(server: string): void;
  /** Told what was denied to the program of a server, in words. */
  onDenied(server: string, words: string): void;
  /** Told that the program of a server runs, or is watched to learn its policy. */
  onStarted(server: string, process: Process, options: { learning: boolean }): void;
}

/** What speaks with tool servers, and what holds them. */
export interface Mcp {
  connector: McpConnector;
  signIns: McpSignIns;
  sandbox: Sandbox;
  learn: Learn;
  /** Rejects where the program of a server can't be watched. */
  checkWatchable(server: McpServer): Promise<void>;
  /** What authorization servers may read of MUXI; undefined where they can't reach it over https. */
  clientDocument(): Promise<Record<string, unknown> | undefined>;
  /** Servers whose policy holds their programs in another way than when they were started. */
  outdated(): string[];
}

/** Builds it. Nothing is loaded, read or started yet. */
export function createMcp(deps: McpDeps): Mcp {
  const { settings, given, variables, policyOf, clock, log } = deps;
  const loadSandbox = lazy(async () => {
    if (given.sandbox) return given.sandbox;
    const { createSandbox } = await import("../adapters/sandbox/sandbox.ts");
    const dir = await Deno.realPath(settings.data_dir);
    const deno = await findDeno({ variables });
    return createSandbox({ dir: `${dir}/sandbox`, deno, hidden: deps.hidden, env: variables, clock, log });
  });
  const profiles = new Map<string, string>();
  const profileOf = (name: string) => {
    const { policy, withheld } = policyOf(name);
    return JSON.stringify([policy.id, policy.sandbox, withheld]);
  };
  const spawn: Spawn = async (server, signal, hold) => {
    const sandbox = await loadSandbox();
    const { policy, withheld } = policyOf(server.name);
    const profile = profileOf(server.name);
    if (withheld !== undefined) {
      if (profiles.get(server.name) !== profile) {
        log.warn("A policy trusts no server that came over the API", { server: server.name, words: withheld });
      }
      deps.onDenied(server.name, withheld);
    }
    profiles.set(server.name, profile);
    const process = await sandbox.start(toProgram(server), {
      policy,
      signal,
      // Time that a person takes to answer is not the server's silence.
      ask: (question, signal) => hold(() => deps.askAccess(server.name, question, signal)),
      onGranted: () => deps.onGranted(server.name),
      onDenied: (words) => deps.onDenied(server.name, words),
    });
    deps.onStarted(server.name, process, { learning: false });
    return process;
  };
  const build = async (spawn: Spawn) => {
    const { createMcpConnector } = await import("../adapters/mcp/connector.ts");
    return createMcpConnector({
      info: { name: "muxi", version: VERSION },
      spawn,
      variables: (name) => Object.hasOwn(variables, name) ? variables[name] : undefined,
      oauth: { tokens: deps.tokens, ...toIdentity(settings) },
      clock,
      log,
    });
  };
  const loadConnector = lazy(async () => given.connector ?? await build(spawn));
  return {
    connector: { connect: async (server, options) => await (await loadConnector()).connect(server, options) },
    signIns: {
      findSignIn: async (state) => await (await loadConnector()).findSignIn(state),
      finishSignIn: async (server, answer) => await (await loadConnector()).finishSignIn(server, answer),
    },
    sandbox: {
      abilities: async () => await (await loadSandbox()).abilities(),
      start: async (program, options) => await (await loadSandbox()).start(program, options),
      learn: async (program, options) => await (await loadSandbox()).learn(program, options),
    },
    learn: async (server, options) => {
      const learn = createLearn({
        sandbox: await loadSandbox(),
        connector: (spawn) => build(spawn),
        toProgram,
        onStarted: (process) => deps.onStarted(server.name, process, { learning: true }),
        timeout_ms: settings.runs.tool_timeout_seconds * 1000,
      });
      return await learn(server, options);
    },
    async checkWatchable(server) {
      const { toWatched } = await import("../adapters/sandbox/watchable.ts");
      toWatched(toProgram(server));
    },
    async clientDocument() {
      const { redirect_url, client_metadata_url } = toIdentity(settings);
      if (client_metadata_url === undefined) return undefined;
      const { toClientDocument } = await import("../adapters/mcp/oauth_provider.ts");
      return { ...toClientDocument({ redirect_url, client_metadata_url }) };
    },
    outdated: () => [...profiles].filter(([name, profile]) => profile !== profileOf(name)).map(([name]) => name),
  };
}

function toProgram(server: McpServer): Program {
  const { name, env, cwd } = server;
  return { name, ...toCommandLine(server), env, ...cwd !== undefined && { cwd } };
}

/** How MUXI presents itself to authorization servers. Those look its document up, so it must be where all can see it. */
function toIdentity(settings: Settings): OAuthIdentity {
  const address = `${addressOf(settings)}/api/v1/mcp`;
  const isPublic = settings.server.public_url !== "" && address.startsWith("https://");
  return {
    redirect_url: `${address}/sign_in`,
    begin_url: `${address}/sign_in/begin`,
    ...isPublic && { client_metadata_url: `${address}/client` },
  };
}

/** Where people's browsers reach this server. */
function addressOf({ server }: Settings): string {
  if (server.public_url !== "") return server.public_url.replace(/\/+$/, "");
  const scheme = server.tls.cert_file === "" ? "http" : "https";
  const host = server.host === "0.0.0.0" || server.host === "::" ? "127.0.0.1" : server.host;
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${server.port}${server.base_path}`;
}
