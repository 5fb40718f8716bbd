/**
 * The parts that start and execute runs, without doors: a real store, a model and tools that do what a test tells them.
 *
 * @module
 */
import { openFileBlobs } from "../../src/adapters/files/blobs.ts";
import { createJsonSchema } from "../../src/adapters/json_schema/json_schema.ts";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { MemoryWake } from "../../src/adapters/memory/wake.ts";
import { Agents } from "../../src/core/agents/agents.ts";
import { Conversations } from "../../src/core/conversations/conversations.ts";
import { Files } from "../../src/core/files/files.ts";
import { Journal } from "../../src/core/journal/journal.ts";
import { Tails } from "../../src/core/journal/tails.ts";
import { AttachedFiles } from "../../src/core/orchestrator/attached_files.ts";
import { Context } from "../../src/core/orchestrator/context.ts";
import { ModelStep } from "../../src/core/orchestrator/model_step.ts";
import { Preview } from "../../src/core/orchestrator/preview.ts";
import { Orchestrator } from "../../src/core/orchestrator/orchestrator.ts";
import { Questions } from "../../src/core/orchestrator/questions.ts";
import { ToolStep } from "../../src/core/orchestrator/tool_step.ts";
import { Policies } from "../../src/core/policies/policies.ts";
import { Engine } from "../../src/core/runs/engine.ts";
import { Feed } from "../../src/core/runs/feed.ts";
import { Placement } from "../../src/core/runs/placement.ts";
import { Runs } from "../../src/core/runs/runs.ts";
import { Starter, type StartRequest } from "../../src/core/runs/starter.ts";
import { AgentResources } from "../../src/core/tools/agent_resources.ts";
import { DirectQuestions } from "../../src/core/tools/direct_questions.ts";
import { Tools } from "../../src/core/tools/tools.ts";
import { Users } from "../../src/core/users/users.ts";
import type { Principal } from "../../src/domain/access.ts";
import { AgentConfig } from "../../src/domain/agent.ts";
import type { MessageRow, RunRow } from "../../src/domain/table.ts";
import { systemClock } from "../../src/kit/clock.ts";
import { createLog } from "../../src/kit/log.ts";
import type { Model } from "../../src/ports/model.ts";
import type { Store } from "../../src/ports/store.ts";
import { type ScriptedTool, scriptedToolbox } from "./toolbox.ts";

const log = createLog({ level: "error", format: "text", write: () => {} });

/** Who starts runs. */
export const CALLER: Principal = {
  tenant_id: "default",
  key_id: "key_1",
  access: "user",
  scopes: [],
  may_assert_user: true,
};

/** Runs, and what became of them. */
export interface RunParts extends AsyncDisposable {
  store: Store;
  runs: Runs;
  engine: Engine;
  /** What runs ask, and would. */
  model: Model;
  preview: Preview;
  /** Starts a run that answers `text`, in a new conversation unless told. */
  start(text: string, request?: Partial<StartRequest>): Promise<RunRow>;
  /** The run once it is no longer executed. */
  ended(id: string): Promise<RunRow>;
  /** What the agent said in a conversation. */
  said(conversation_id: string): Promise<MessageRow[]>;
  /** Types and data of a run's events. */
  events(id: string): Promise<{ type: string; data: Record<string, unknown> }[]>;
}

/** Opens the parts. The agent may use all tools. */
export async function openRunParts({ model, tools: scripted = {}, agent = {} }: {
  model: Model["stream"];
  tools?: Record<string, ScriptedTool>;
  agent?: Record<string, unknown>;
}): Promise<RunParts> {
  await using stack = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "muxi-runs-" });
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const clock = systemClock;
  const store = stack.use(await openLibsqlStore({ path: ":memory:", log }));
  const wake = new MemoryWake({ log });
  const tails = stack.use(new Tails({ store, wake, clock }));
  const journal = stack.use(new Journal({ store, wake, clock, tails, delta_interval_ms: 25 }));
  const none = { references: [], preconditions: [], writes: [], changed: [] };
  const servers = {
    attach: () => Promise.resolve(none),
    restore: () => Promise.resolve([]),
    refresh: () => Promise.resolve(),
  };
  const agents = new Agents({ store, wake, clock, servers });
  const users = new Users({ store, clock });
  const files = new Files({ store, blobs: await openFileBlobs({ dir }), clock, max_bytes: 1000 });
  const conversations = new Conversations({ store, clock, files });
  const schema = createJsonSchema();
  const policies = new Policies({
    store,
    schema,
    clock,
    files: [],
    trust_changes: false,
    isOwnVariable: () => false,
    paths: ["/"],
    realPath: (path) => path,
  });
  await policies.load();
  const toolbox = scriptedToolbox(scripted);
  // The agent wants no resources, so nobody reads any.
  const resources = new AgentResources({ reads: undefined as never });
  const tools = new Tools({ toolbox, resources, policies, schema, clock, timeout_ms: 5000, max_timeout_ms: 5000 });
  const approval_timeout_ms = 60_000;
  const direct = new DirectQuestions({ tools, schema, clock });
  const questions = new Questions({ store, tools, direct, schema, wake, clock, approval_timeout_ms });
  const toolStep = new ToolStep({ store, tools, questions, files, clock, approval_timeout_ms, max_attempts: 3 });
  const context = new Context({ store, attached: new AttachedFiles({ store, files }), users });
  const check = () => Promise.resolve({ ok: true, detail: "scripted" });
  const asked = { stream: model, check };
  const modelStep = new ModelStep({ model: asked, tools, context, schema, toolStep, clock });
  const orchestrator = new Orchestrator({ store, modelStep, toolStep, clock, log, max_attempts: 3 });
  const owned = { instance_id: "inst_1", lease_ms: 30_000, max_active: 10 };
  const engine = new Engine({ store, journal, agents, orchestrator, clock, log, ...owned });
  stack.defer(() => engine.drain(0));
  const placement = new Placement({ store, conversations, files });
  const starting = { store, journal, agents, users, tools, placement, engine, clock };
  const starter = new Starter({ ...starting, max_queued: 10, default_agent: "assistant" });
  const feed = new Feed({ store, journal, tails });
  const runs = new Runs({ store, wake, clock, agents, files, tools, questions, starter, engine, feed });
  await agents.create(CALLER, "assistant", AgentConfig.parse({ name: "Ann", allowed_tools: ["*"], ...agent }));
  const closing = stack.move();
  return {
    store,
    runs,
    engine,
    model: asked,
    preview: new Preview({ agents, conversations, tools, context }),
    async start(content, request = {}) {
      const { run } = await runs.start(CALLER, {
        operation: "test",
        messages: [{ role: "user", content, metadata: {} }],
        multitask: "enqueue",
        on_disconnect: "continue",
        metadata: {},
        ...request,
      });
      return run;
    },
    async ended(id) {
      await engine.settled(id);
      return await runs.get(CALLER, id);
    },
    said: (conversation_id) =>
      store.read({
        from: "messages",
        where: { conversation_id, role: "assistant" },
        order: [["id", "asc"]],
        limit: 10,
      }),
    async events(id) {
      const rows = await store.read({ from: "events", where: { run_id: id }, order: [["seq", "asc"]], limit: 100 });
      return rows.map(({ type, data }) => ({ type, data: JSON.parse(data) }));
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}
