/**
 * The composition root: adapters, core, gateway, doors, and their end. Also the
 * way to embed MUXI in another program.
 *
 * @module
 */
import { MemoryWake } from "./adapters/memory/wake.ts";
import { realPathOf } from "./adapters/sandbox/real_path.ts";
import { AgentImport } from "./core/agents/agent_import.ts";
import { Agents } from "./core/agents/agents.ts";
import { Conversations } from "./core/conversations/conversations.ts";
import { Files } from "./core/files/files.ts";
import { Definitions } from "./core/mcp_servers/definitions.ts";
import { Journal } from "./core/journal/journal.ts";
import { Tails } from "./core/journal/tails.ts";
import { AttachedFiles } from "./core/orchestrator/attached_files.ts";
import { Completions } from "./core/orchestrator/completions.ts";
import { Approvals } from "./core/orchestrator/approvals.ts";
import { Context } from "./core/orchestrator/context.ts";
import { ModelStep } from "./core/orchestrator/model_step.ts";
import { Preview } from "./core/orchestrator/preview.ts";
import { Orchestrator } from "./core/orchestrator/orchestrator.ts";
import { Questions } from "./core/orchestrator/questions.ts";
import { Sampling } from "./core/orchestrator/sampling.ts";
import { ToolStep } from "./core/orchestrator/tool_step.ts";
import { Policies } from "./core/policies/policies.ts";
import { Engine } from "./core/runs/engine.ts";
import { Feed } from "./core/runs/feed.ts";
import { Placement } from "./core/runs/placement.ts";
import { Runs } from "./core/runs/runs.ts";
import { Starter } from "./core/runs/starter.ts";
import { Supervisor } from "./core/runs/supervisor.ts";
import { Retention } from "./core/system/retention.ts";
import { System } from "./core/system/system.ts";
import { AgentResources } from "./core/tools/agent_resources.ts";
import { Catalog } from "./core/tools/catalog.ts";
import { DirectCalls } from "./core/tools/direct_calls.ts";
import { DirectQuestions } from "./core/tools/direct_questions.ts";
import { Prompts } from "./core/tools/prompts.ts";
import { Resources } from "./core/tools/resources.ts";
import { ServerReads } from "./core/tools/server_reads.ts";
import { Tools } from "./core/tools/tools.ts";
import { Users } from "./core/users/users.ts";
import { createId } from "./kit/id.ts";
import { bindAgents } from "./operations/agents.ts";
import { bindApprovals } from "./operations/approvals.ts";
import { bindChat } from "./operations/chat.ts";
import { bindConversations } from "./operations/conversations.ts";
import { bindFiles } from "./operations/files.ts";
import type { Gateway } from "./operations/gateway.ts";
import { LocalGateway } from "./operations/local_gateway.ts";
import { bindMcp } from "./operations/mcp.ts";
import { bindMcpServers } from "./operations/mcp_servers.ts";
import { bindPolicies } from "./operations/policies.ts";
import { bindPrompts } from "./operations/prompts.ts";
import { bindResources } from "./operations/resources.ts";
import { bindRespond } from "./operations/respond.ts";
import { bindRtcDoors } from "./operations/rtc_doors.ts";
import { bindRtcLooks } from "./operations/rtc_looks.ts";
import { bindRtcRecordings } from "./operations/rtc_recordings.ts";
import { bindRtcRooms } from "./operations/rtc_rooms.ts";
import { bindRtcSecrets } from "./operations/rtc_secrets.ts";
import { bindRtcSessions } from "./operations/rtc_sessions.ts";
import { bindRtcViewers } from "./operations/rtc_viewers.ts";
import { bindRtcSignals } from "./operations/rtc_signals.ts";
import { bindRuns } from "./operations/runs.ts";
import { bindSystem } from "./operations/system.ts";
import { bindTools } from "./operations/tools.ts";
import { bindUsers } from "./operations/users.ts";
import { createCalls } from "./app/calls.ts";
import { createRecordings } from "./app/recordings.ts";
import { createDoors, type Doors } from "./app/doors.ts";
import { createGuards, toKeySpecs } from "./app/guards.ts";
import { readPolicies } from "./app/policies.ts";
import { openPorts, type Ports } from "./app/ports.ts";
import { createServersSealer, createToolServers, type ToolServers } from "./app/tool_servers.ts";
import { checkProduction, diffSettings, toMaskedSettings } from "./settings/checks.ts";
import type { Settings } from "./settings/schema.ts";
import { isOurs } from "./settings/variables.ts";
import type { Fetch } from "./transports/http/server.ts";
import { createBridge } from "./transports/mcp/bridge.ts";
import { VERSION } from "./version.ts";

/** The owner of what the server makes for itself. */
const SYSTEM = { tenant_id: "default", key_id: "system", user_id: null };
const MINUTE = 60_000;

/** What a program that embeds MUXI may replace. */
export interface AppOptions {
  /** Parts of the world; what is absent is made from the settings. */
  ports?: Partial<Ports>;
  /** Reads the settings anew, for a reload. */
  reread?: () => Promise<Settings>;
  /** Whether runs that an earlier process left are taken up, and others looked after. Yes, unless told. */
  supervise?: boolean;
  /** Whether nobody but the operator calls, in this process and through no door. No, unless told. */
  operator?: boolean;
  /** Values for `${NAME}` in agent files. */
  variables?: Readonly<Record<string, string>>;
  /** The files that the settings were read from, which no program of a tool server is to see. */
  settingsFiles?: () => readonly string[];
}

/** A server, not yet listening. */
export interface App extends AsyncDisposable {
  gateway: Gateway;
  /** Answers requests, as `Deno.serve` wants it. */
  fetch: Fetch;
  /** What the doors answer, such as `GET /health/live`; `:name` stands for any part of a path. */
  routes: readonly string[];
  /** Keys that were generated because the settings give none. */
  generated: { user?: string; admin?: string };
  /** Reads the settings anew and puts them in force; refused whole when one is wrong. */
  reload(): Promise<{ changed: string[]; restart_required: string[] }>;
  /** Opens what the first call would wait for. To be done once requests are served. */
  warmUp(): Promise<void>;
  /** Ends the calls and the streams, lets runs finish for a while and releases the rest. */
  drain(ms: number): Promise<void>;
}

/** How long calls of tools may take where nobody says more. */
function toToolTimes({ runs, tools }: Settings): { timeout_ms: number; max_timeout_ms: number } {
  return { timeout_ms: runs.tool_timeout_seconds * 1000, max_timeout_ms: tools.max_call_seconds * 1000 };
}

/** Wires a server. Everything it opens is closed by disposing it, also when it could be built only in part. */
export async function createApp(settings: Settings, options: AppOptions = {}): Promise<App> {
  checkProduction(settings);
  await using stack = new AsyncDisposableStack();
  const ports = await openPorts(settings, options.ports ?? {}, options.variables ?? {}, stack);
  const { store, blobs, wake, clock, log, schema } = {
    wake: new MemoryWake({ log: ports.log }),
    ...ports,
  };
  const { keys: specs, generated } = toKeySpecs(settings);
  const guards = createGuards(settings, specs, { store, clock, log });
  stack.use(guards.audit);

  const instance_id = createId("inst");
  const lease_ms = settings.runs.lease_seconds * 1000;
  const tails = stack.use(new Tails({ store, wake, clock }));
  const { delta_interval_ms } = settings.runs;
  const journal = stack.use(new Journal({ store, wake, clock, tails, delta_interval_ms }));
  const sealer = createServersSealer(settings);
  const definitions = new Definitions({ store, sealer, clock, log });
  const agents = new Agents({ store, wake, clock, servers: definitions });
  const users = new Users({ store, clock });
  const files = new Files({ store, blobs, clock, max_bytes: settings.server.max_upload_bytes });
  const conversations = new Conversations({ store, clock, files });
  // Nobody limits the operator, whose machine it is.
  const toTrust = ({ tools }: Settings) => ({
    trust_changes: tools.trust_api_policies,
    paths: options.operator === true ? ["/"] : tools.api_paths,
  });
  const policies = new Policies({
    store,
    schema,
    clock,
    files: await readPolicies(settings.tools.policies_file),
    ...toTrust(settings),
    realPath: (path, cwd = "/") => realPathOf(path, { cwd, root: "" }),
    isOwnVariable: isOurs,
  });
  await policies.load();
  const toolServers: ToolServers = stack.use(createToolServers(settings, {
    ports: { ...ports, wake },
    variables: options.variables ?? {},
    settingsFiles: options.settingsFiles ?? (() => []),
    eager: options.supervise !== false,
    operator: options.operator === true,
    sealer,
    definitions,
    agents,
    policies,
    audit: guards.audit,
    askPerson: (question, asked) => questions.ask(question, asked),
    askModel: async (request, asked) => {
      const isDirect = directQuestions.has(asked.tool_call_id);
      return isDirect ? await directQuestions.sample(request, asked) : await sampling.answer(request, asked);
    },
    noteUnasked: (_, { words, tool_call_ids }) => questions.noteUnasked(words, tool_call_ids),
  }));
  const toolbox = ports.toolbox ?? toolServers.hub;
  const reads = new ServerReads({
    hub: toolServers.hub,
    policies,
    schema,
    store,
    clock,
    timeout_ms: () => toToolTimes(current).timeout_ms,
  });
  const resources = new AgentResources({ reads });
  const tools = new Tools({ toolbox, resources, policies, schema, clock, ...toToolTimes(settings) });
  const catalog = new Catalog({ tools, toolbox, wake, clock });
  const directQuestions: DirectQuestions = new DirectQuestions({ tools, schema, clock });
  const direct = new DirectCalls({ store, tools, questions: directQuestions, clock });
  const approval_timeout_ms = settings.runs.approval_timeout_seconds * 1000;
  const { max_attempts, max_active, max_queued_per_conversation: max_queued } = settings.runs;
  const questions: Questions = new Questions({
    store,
    tools,
    direct: directQuestions,
    schema,
    wake,
    clock,
    approval_timeout_ms,
  });
  const toolStep = new ToolStep({ store, tools, questions, files, clock, approval_timeout_ms, max_attempts });
  const attached = new AttachedFiles({ store, files });
  const context = new Context({ store, attached, users });
  const modelStep = new ModelStep({ model: ports.model, tools, context, schema, toolStep, clock });
  const default_agent = settings.agents.default;
  const orchestrator = new Orchestrator({ store, modelStep, toolStep, clock, log, max_attempts });
  const engine = new Engine({ store, journal, agents, orchestrator, clock, log, instance_id, lease_ms, max_active });
  const starter = new Starter({
    store,
    journal,
    agents,
    users,
    tools,
    placement: new Placement({ store, conversations, files }),
    engine,
    clock,
    max_queued,
    default_agent,
  });
  const feed = new Feed({ store, journal, tails });
  const sampling = new Sampling({ store, agents, model: ports.model, clock });
  const completions = new Completions({ store, agents, files: attached, model: ports.model, clock });
  const runs = new Runs({ store, wake, clock, agents, files, tools, questions, starter, engine, feed });
  const { variables = {} } = options;
  const recordings = await createRecordings(settings, { ...ports, audit: guards.audit });
  const calling = stack.use(
    createCalls(settings, {
      ...guards,
      ports,
      variables,
      agents,
      conversations,
      runs,
      completions,
      preview: new Preview({ agents, conversations, tools, context }),
      recorder: recordings,
      files,
      instance_id,
    }),
  );
  const retention = new Retention({ store, blobs, runs, clock, log, options: settings.retention });
  const system = new System({
    store,
    model: ports.model,
    engine,
    slots: guards.slots,
    parts: ({ tenant_id }) => toolServers.hub.parts(tenant_id),
    clock,
    version: VERSION,
    instance_id,
  });
  const imports = new AgentImport({ agents, files: ports.agentFiles });

  let current = settings;
  const reload = async () => {
    const next = await (options.reread ?? (() => Promise.resolve(current)))();
    checkProduction(next);
    const report = diffSettings(current, next);
    const policyFiles = await readPolicies(next.tools.policies_file);
    policies.checkFiles(policyFiles);
    await guards.update(next, toKeySpecs(next, generated).keys);
    ports.reconfigure(next);
    retention.update(next.retention);
    recordings.update(next.retention);
    policies.replaceFiles(policyFiles, toTrust(next));
    tools.update(toToolTimes(next));
    const approvals = { approval_timeout_ms: next.runs.approval_timeout_seconds * 1000 };
    toolServers.update(next);
    await toolServers.declare(SYSTEM, next);
    toolStep.update(approvals);
    questions.update(approvals);
    doors.update(next);
    current = next;
    sweepRegularly();
    log.info("Read the settings anew", report);
    return report;
  };
  const configuration = { masked: () => ({ ...toMaskedSettings(current) }), reload };
  const collectMs = () => current.runs.collect_timeout_seconds * 1000;
  const gateway = new LocalGateway({
    ...guards,
    secrets: calling.secrets,
    log,
    bound: [
      ...bindChat({ runs, collectMs }),
      ...bindRespond({ runs, completions, collectMs }),
      ...bindConversations({ conversations, agents, runs }),
      ...bindRuns({ runs, collectMs }),
      ...bindRtcSessions(calling),
      ...bindRtcSignals(calling),
      ...bindRtcDoors(calling),
      ...bindRtcViewers(calling),
      ...bindRtcRooms(calling),
      ...bindRtcSecrets(calling),
      ...bindRtcLooks(calling),
      ...bindRtcRecordings({ ...calling, recordings }),
      ...bindApprovals({ approvals: new Approvals({ store }) }),
      ...bindAgents({ agents, imports }),
      ...bindMcpServers(toolServers),
      ...bindTools({ catalog, direct, questions: directQuestions, agents, collectMs }),
      ...bindResources({ resources: new Resources({ reads, clock }), collectMs }),
      ...bindPrompts({ prompts: new Prompts({ reads }) }),
      ...bindPolicies({ policies }),
      ...bindMcp({ bridge: createBridge(() => doors.openCatalog()) }),
      ...bindFiles({ files }),
      ...bindUsers({ users }),
      ...bindSystem({ system, configuration, tickets: guards.tickets }),
    ],
  });
  const doors: Doors = stack.use(createDoors(settings, { gateway, clock, log }));

  await toolServers.declare(SYSTEM, settings);
  const seed = await ports.readAgents();
  const changed = await new AgentImport({ agents, files: ports.ownAgentFiles }).seed(SYSTEM, seed.text, seed.format);
  if (changed.length > 0) log.info("Took agents from the file", { agents: changed });
  const supervisor = stack.use(
    new Supervisor({ store, engine, wake, clock, log, instance_id, lease_ms }),
  );
  const adopted = options.supervise === false ? 0 : await supervisor.start({ exclusive: true });
  if (adopted > 0) log.info("Went on with runs of the process before", { runs: adopted });
  const ended = options.supervise === false ? 0 : await calling.calls.start();
  if (ended > 0) log.info("Calls of the process before have ended", { calls: ended });
  if (options.supervise !== false) await calling.rooms.start();
  const stopping = new AbortController();
  if (options.supervise !== false) {
    void recordings.resume().catch((error) => log.error("Cannot finish recordings of the process before", { error }));
  }
  const sweep = () =>
    retention.sweep(stopping.signal).then(() => recordings.sweep(stopping.signal))
      .then(() => {}, (error) => log.error("Cannot sweep", { error }));
  let sweeping = Promise.resolve();
  let sweeps: Disposable | undefined;
  const sweepRegularly = () => {
    sweeps?.[Symbol.dispose]();
    sweeps = clock.every(current.retention.check_minutes * MINUTE, () => sweeping = sweeping.then(sweep));
  };
  stack.defer(() => sweeps?.[Symbol.dispose]());
  sweepRegularly();
  let drained: Promise<void> | undefined;
  const drain = (ms: number) =>
    drained ??= (async () => {
      stopping.abort();
      // Who is in a call is told why it ends, and what is being said needs nobody to hear it any more.
      await recordings.close();
      await calling[Symbol.asyncDispose]();
      const finishing = engine.drain(ms);
      supervisor[Symbol.dispose]();
      await Promise.all([finishing, sweeping]);
      await toolServers[Symbol.asyncDispose]();
      tails[Symbol.dispose]();
      doors[Symbol.dispose]();
    })();
  stack.defer(() => drain(0));

  const owned = stack.move();
  return {
    gateway,
    fetch: doors.fetch,
    routes: doors.routes,
    generated,
    reload,
    warmUp: () => calling.warmUp(),
    drain,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
