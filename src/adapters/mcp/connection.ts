/**
 * A connection that is up.
 *
 * @module
 */
import { type Client, SseError } from "@modelcontextprotocol/client";
import { NO_PROPOSALS, type Proposals } from "../../domain/proposals.ts";
import { McpFailure, type McpServer, type McpServerType } from "../../domain/mcp_server.ts";
import type { FilledPrompt } from "../../domain/prompt.ts";
import type { ToolContent, ToolResult } from "../../domain/tool.ts";
import { type Clock, sleep } from "../../kit/clock.ts";
import { type Log, maskSecrets } from "../../kit/log.ts";
import type {
  CompletionRequest,
  McpCallOptions,
  McpConnection,
  McpReadOptions,
  OfferedPrompt,
  OfferedResource,
  OfferedTool,
} from "../../ports/mcp_client.ts";
import type { SandboxReport } from "../../ports/sandbox.ts";
import type { Channel } from "./channel.ts";
import { toCompleteParams, toProposals } from "./completion.ts";
import { toResource, toToolResult } from "./content.ts";
import { type DirectRequests, type RequestOptions, toProgress } from "./direct_requests.ts";
import { redact } from "./credentials.ts";
import { toFailure } from "./failure.ts";
import type { KnownSecrets } from "./known_secrets.ts";
import { MAX_INSTRUCTIONS, MAX_NAME } from "./limits.ts";
import { keepListening } from "./listening.ts";
import { readList } from "./lists.ts";
import { toFilledPrompt, toPrompt, toResourceOffer, toTemplateOffer, toTool } from "./offered.ts";
import type { OpenCalls } from "./open_calls.ts";
import type { OpenTasks } from "./open_tasks.ts";
import type { Questions } from "./questions.ts";
import { RequestRefused, TaskBroken, TaskLost } from "./request_errors.ts";
import { requestInRounds } from "./rounds.ts";
import { type Fields, toFields, toList } from "./shape.ts";
import type { Silence } from "./silence.ts";
import { TaskCalls } from "./task_calls.ts";
import type { UserConnections } from "./user_connections.ts";

/** How long a server may take to hear that its session is over, in ms. */
const LEAVE_MS = 1_000;

/** What a schema holds whose values also go into headers; the SDK knows how. */
const MIRRORED = "x-mcp-header";

/** What the SDK says when it no longer takes a broken stream up again. */
const GAVE_UP = /^Maximum reconnection attempts/;

/** Parts of {@linkcode Connection}. */
export interface ConnectionDeps {
  client: Client;
  direct: DirectRequests;
  channel: Channel;
  questions: Questions;
  secrets: KnownSecrets;
  clock: Clock;
  log: Log;
  timeout_ms: number;
  max_timeout_ms: number;
  /** Told of a resource that may have changed. */
  onResourceUpdated: (uri: string) => void;
  /** The calls under way. */
  calls: OpenCalls;
  /** Those of them that are tasks. */
  tasks: OpenTasks;
  silence: Silence;
  /** Aborted by {@linkcode Connection} when it is over. */
  over: AbortController;
  /** Where each user has their own. */
  users?: UserConnections;
  /** Whose connection it is, where each user has their own. */
  user_id?: string | undefined;
}

/** See `McpConnection`. */
export class Connection implements McpConnection {
  readonly era: string;
  readonly type: McpServerType;
  readonly server: { name: string; version: string };
  readonly instructions?: string;
  readonly offers: { tools: boolean; resources: boolean; prompts: boolean };
  readonly sandbox?: SandboxReport;
  readonly complete?: NonNullable<McpConnection["complete"]>;
  readonly watchResource?: NonNullable<McpConnection["watchResource"]>;
  readonly closed: Promise<Error | undefined>;
  readonly #name: string;
  readonly #deps: ConnectionDeps;
  readonly #tasks: TaskCalls;
  /** Whether tools can be called as tasks, in the older era. */
  readonly #makesTasks: boolean;
  #mirrored = new Set<string>();
  #end: (reason: Error | undefined) => void;
  #closing: Promise<void> | undefined;

  constructor({ name }: McpServer, deps: ConnectionDeps) {
    const { client, channel, direct } = deps;
    this.#name = name;
    this.#deps = deps;
    this.era = client.getNegotiatedProtocolVersion()!;
    this.type = channel.type;
    const info = client.getServerVersion();
    const clean = (text: string, most: number) => maskSecrets(redact(text, deps.secrets.all)).slice(0, most);
    this.server = { name: clean(info?.name ?? name, MAX_NAME), version: clean(info?.version ?? "", MAX_NAME) };
    const instructions = client.getInstructions();
    if (instructions !== undefined) this.instructions = clean(instructions, MAX_INSTRUCTIONS);
    if (channel.report) this.sandbox = channel.report;
    const { tools, resources, prompts, completions, tasks } = client.getServerCapabilities() ?? {};
    this.#makesTasks = !direct.envelope && tasks?.requests?.tools?.call !== undefined;
    this.#tasks = new TaskCalls({
      ...deps,
      over: deps.over.signal,
      cancels: direct.envelope !== undefined || tasks?.cancel !== undefined,
      isUnreachable: (error) => (this.#failure(error, "follow a task of") as McpFailure).kind === "unreachable",
    });
    this.offers = { tools: !!tools, resources: !!resources, prompts: !!prompts };
    if (completions) this.complete = (request, options) => this.#complete(request, options);
    if (resources?.subscribe) this.watchResource = (uri, { signal }) => this.#watch(uri, signal);
    const { promise, resolve } = Promise.withResolvers<Error | undefined>();
    this.closed = promise;
    this.#end = (reason) => {
      deps.over.abort();
      resolve(reason);
    };
    client.onclose = () => this.#end(this.#closing ? undefined : this.#failure(direct.ending, "stay connected to"));
    client.onerror = (error) => this.#onError(error);
  }

  get secrets(): readonly string[] {
    return this.#deps.secrets.all;
  }

  listTools(signal: AbortSignal): Promise<OfferedTool[]> {
    return this.#attempt("list the tools of", signal, async () => {
      const tools = await this.#list("tools", { method: "tools/list", toEntry: toTool, signal });
      const mirrored = tools.filter(({ input_schema }) => JSON.stringify(input_schema).includes(MIRRORED));
      this.#mirrored = new Set(mirrored.map(({ name }) => name));
      if (mirrored.length === 0 || !this.#deps.direct.envelope) return tools;
      // The SDK leaves out those whose headers the protocol forbids, and keeps the others for their calls.
      const allowed = await this.#deps.client.listTools(undefined, this.#sdkOptions(signal));
      const names = new Set(allowed.tools.map(({ name }) => name));
      return tools.filter(({ name }) => !this.#mirrored.has(name) || names.has(name));
    });
  }

  listResources(signal: AbortSignal): Promise<OfferedResource[]> {
    return this.#attempt("list the resources of", signal, async () => [
      ...await this.#list("resources", { method: "resources/list", toEntry: toResourceOffer, signal }),
      ...await this.#list("resourceTemplates", {
        method: "resources/templates/list",
        toEntry: toTemplateOffer,
        signal,
      }),
    ]);
  }

  listPrompts(signal: AbortSignal): Promise<OfferedPrompt[]> {
    return this.#attempt(
      "list the prompts of",
      signal,
      () => this.#list("prompts", { method: "prompts/list", toEntry: toPrompt, signal }),
    );
  }

  callTool(tool: string, args: Fields, options: McpCallOptions): Promise<ToolResult> {
    const { signal, user_id } = options;
    const { users } = this.#deps;
    if (users && user_id !== undefined) {
      return users.during(user_id, signal, (own) => own.callTool(tool, args, options));
    }
    return this.#callTool(tool, args, options);
  }

  readResource(uri: string, options: McpReadOptions): Promise<ToolContent[]> {
    const { signal, user_id } = options;
    const { users } = this.#deps;
    if (users && user_id !== undefined) return users.during(user_id, signal, (own) => own.readResource(uri, options));
    return this.#attempt(`read the resource "${uri}" of`, signal, async () => {
      const { contents } = toFields(await this.#request("resources/read", { uri }, { signal }), "answer");
      return toList(contents, "contents").map(toResource);
    });
  }

  getPrompt(name: string, args: Record<string, string>, options: McpReadOptions): Promise<FilledPrompt> {
    const { signal, user_id } = options;
    const { users } = this.#deps;
    if (users && user_id !== undefined) {
      return users.during(user_id, signal, (own) => own.getPrompt(name, args, options));
    }
    return this.#attempt(
      `get the prompt "${name}" of`,
      signal,
      async () => toFilledPrompt(await this.#request("prompts/get", { name, arguments: args }, { signal })),
    );
  }

  ping(signal: AbortSignal): Promise<void> {
    return this.#attempt("ping", signal, async () => {
      await this.#request(this.#deps.direct.envelope ? "server/discover" : "ping", {}, { signal });
    });
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #callTool(tool: string, args: Fields, options: McpCallOptions): Promise<ToolResult> {
    const { signal } = options;
    const call = await this.#deps.calls.enter(options, signal);
    return await this.#attempt(`call the tool "${tool}" of`, signal, async () => {
      try {
        const answer = await this.#answerOf(tool, args, options);
        call.answered();
        return toToolResult(answer);
      } catch (error) {
        const cause = error instanceof TaskBroken ? error.cause : error;
        if (cause instanceof RequestRefused || cause instanceof TaskLost) call.answered();
        throw error;
      } finally {
        call[Symbol.dispose]();
      }
    });
  }

  async #answerOf(tool: string, args: Fields, options: McpCallOptions): Promise<unknown> {
    const { client, direct } = this.#deps;
    if (options.as_task && this.#makesTasks) return await this.#tasks.make(tool, args, options);
    if (direct.envelope && this.#mirrored.has(tool)) {
      return await client.callTool({ name: tool, arguments: args }, {
        ...this.#sdkOptions(options.signal),
        onprogress: (fields) => {
          const progress = toProgress(fields);
          if (progress) options.onProgress?.(progress);
        },
      });
    }
    const answer = await this.#request("tools/call", { name: tool, arguments: args }, options);
    const isTask = direct.envelope && (answer as Fields | null)?.resultType === "task";
    return isTask ? await this.#tasks.follow(answer, options) : answer;
  }

  #complete(request: CompletionRequest, options: McpReadOptions): Promise<Proposals> {
    const { signal, user_id } = options;
    const { users } = this.#deps;
    if (users && user_id !== undefined) {
      return users.during(user_id, signal, async (own) => await own.complete?.(request, options) ?? NO_PROPOSALS);
    }
    return this.#attempt("have a value completed by", signal, async () => {
      return toProposals(await this.#request("completion/complete", toCompleteParams(request), { signal }));
    });
  }

  #watch(uri: string, until: AbortSignal): Promise<void> {
    const { client, clock, over, direct } = this.#deps;
    const signal = AbortSignal.any([until, over.signal]);
    return this.#attempt(`watch the resource "${uri}" of`, signal, async () => {
      if (direct.envelope) {
        const onAgain = () => this.#deps.onResourceUpdated(uri);
        return await keepListening(client, { resourceSubscriptions: [uri] }, { clock, signal, onAgain });
      }
      await this.#request("resources/subscribe", { uri }, { signal });
      const leave = () => void this.#request("resources/unsubscribe", { uri }, { signal: over.signal }).catch(() => {});
      if (until.aborted) leave();
      else until.addEventListener("abort", leave, { once: true });
    });
  }

  async #close(): Promise<void> {
    const { channel, client, clock, over, users } = this.#deps;
    over.abort();
    await users?.close();
    if (channel.leave) {
      const enough = new AbortController();
      const left = channel.leave().catch(() => {});
      await Promise.race([left, sleep(clock, LEAVE_MS, enough.signal).catch(() => {})]);
      enough.abort();
    }
    await client.close();
    this.#end(undefined);
  }

  #request(method: string, params: Fields, options: Pick<McpCallOptions, "signal"> & Partial<McpCallOptions>) {
    const { timeout_ms, max_timeout_ms } = this.#deps;
    return requestInRounds(this.#deps, {
      method,
      params,
      options: { ...options, timeout_ms, max_timeout_ms } satisfies RequestOptions,
    });
  }

  async #list<T>(field: string, { method, toEntry, signal }: {
    method: string;
    toEntry: (entry: unknown) => T;
    signal: AbortSignal;
  }): Promise<T[]> {
    try {
      return await readList({
        field,
        toEntry,
        log: this.#deps.log,
        page: (cursor) => this.#request(method, cursor === undefined ? {} : { cursor }, { signal }),
      });
    } catch (error) {
      // Many servers offer one kind of list and not its sibling.
      if (error instanceof RequestRefused && error.code === -32601) return [];
      throw error;
    }
  }

  #sdkOptions(signal: AbortSignal) {
    const { timeout_ms, max_timeout_ms } = this.#deps;
    return { signal, timeout: timeout_ms, maxTotalTimeout: max_timeout_ms, resetTimeoutOnProgress: true };
  }

  async #attempt<T>(what: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      signal.throwIfAborted();
      const failure = this.#failure(thrown, what);
      if (failure instanceof McpFailure && failure.kind === "session_lost") await this.#lose(failure);
      throw failure;
    }
  }

  /** The server no longer knows us: nothing more will come of this connection. */
  async #lose(failure: McpFailure): Promise<void> {
    this.#end(failure);
    this.#closing ??= Promise.all([this.#deps.client.close(), this.#deps.users?.close()]).then(() => {});
    await this.#closing;
  }

  /** Errors that are nobody's answer: some say that the server is gone. */
  #onError(error: Error): void {
    const { channel, over } = this.#deps;
    if (over.signal.aborted) return;
    // The SDK would take the stream up again, but not the session in it.
    if (error instanceof SseError) return void channel.end("Its stream of events ended").catch(() => {});
    if (GAVE_UP.test(error.message)) void this.#doubt();
  }

  /** Ends the connection, if the server can't be reached or has forgotten it. */
  async #doubt(): Promise<void> {
    const { channel, over } = this.#deps;
    await this.ping(over.signal).catch(async (error) => {
      if (over.signal.aborted || !(error instanceof McpFailure) || error.kind === "refused") return;
      await channel.end(`Its stream of events ended, and it doesn't answer (${error.kind})`);
    }).catch(() => {});
  }

  #failure(thrown: unknown, what: string): Error {
    const { secrets, direct, channel, user_id } = this.#deps;
    return toFailure(thrown, {
      what: `${what} tool server "${this.#name}"`,
      user_id,
      secrets: secrets.all,
      session: direct.sessionId !== undefined || channel.type === "http_sse",
      challenge: channel.fetch?.challenge,
      network: channel.fetch?.failure,
      sign_in_url: channel.provider?.sign_in_url,
    });
  }
}
