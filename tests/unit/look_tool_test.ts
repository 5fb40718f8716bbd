/**
 * The tool `look` in runs: who is offered it, what the model sees, and what stays of it.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { Delivery } from "../../src/core/orchestrator/execution.ts";
import type { Eyes, LookRequest, Sight } from "../../src/core/tools/look.ts";
import { AppError } from "../../src/domain/error.ts";
import type { Model, ModelOutput, ModelRequest } from "../../src/ports/model.ts";
import { CALLER, openRunParts, type RunParts } from "../support/run_parts.ts";

const PICTURE = new TextEncoder().encode("RIFF, as if it were a picture");

/** Eyes that see the same each time, or what a test makes them see. */
class Glasses implements Eyes {
  readonly asked: LookRequest[] = [];
  readonly #seen = new Map<string, Sight>();
  answer: () => Promise<void> = () => Promise.resolve();

  async look(request: LookRequest): Promise<Sight> {
    this.asked.push(request);
    await this.answer();
    const seen = { source: "screen", width: 4, height: 2, at: "now", image: PICTURE, file: null } as const;
    this.#seen.set(request.tool_call_id, seen);
    return seen;
  }

  readable = true;

  reads(): Promise<boolean> {
    return Promise.resolve(this.readable);
  }

  sight(tool_call_id: string): Sight | undefined {
    return this.#seen.get(tool_call_id);
  }
}

function listenerWith(eyes: Eyes | undefined): Delivery {
  const never = () => new AbortController().signal;
  return { interrupted: never(), over: never(), heard: (text) => Promise.resolve(text), eyes };
}

const start: ModelOutput = { type: "start", provider: "scripted", model: "one" };
const text = (text: string): ModelOutput => ({ type: "text", text });
const look = (args: Record<string, unknown>): ModelOutput => {
  return { type: "tool_call", call: { tool_call_id: "call_0", tool: "look", arguments: args } };
};

/** A model that says one output after the other, and what it was asked. */
function model(...answers: ModelOutput[]): { stream: Model["stream"]; requests: ModelRequest[] } {
  const requests: ModelRequest[] = [];
  return {
    requests,
    stream: async function* (request) {
      requests.push(request);
      yield start;
      yield answers[Math.min(requests.length, answers.length) - 1]!;
    },
  };
}

const toolsOf = ({ tools }: ModelRequest) => tools.map(({ name }) => name);
const told = ({ messages }: ModelRequest) => messages.flatMap((message) => message.role === "tool" ? [message] : []);
const everything = async (parts: RunParts, run_id: string) => {
  const read = async (from: "events" | "messages" | "tool_calls" | "steps" | "model_calls") =>
    await parts.store.read({ from, limit: 1000 });
  const tables = ["events", "messages", "tool_calls", "steps", "model_calls"] as const;
  return JSON.stringify([await Promise.all(tables.map(read)), await parts.events(run_id)]);
};

Deno.test("only an agent that may look, in a call that shows something, is offered to look", async () => {
  const cases: [Record<string, unknown>, boolean, string[]][] = [
    [{ look: true }, true, ["look"]],
    [{ look: true }, false, []],
    [{}, true, []],
    [{ look: true, model: { images: false } }, true, []],
    [{ look: true, policies: { deny: ["lo*"] } }, true, []],
    [{ look: true, tool_search: true }, true, ["look"]],
  ];
  for (const [agent, sees, wanted] of cases) {
    const { stream, requests } = model(text("Hello."));
    await using parts = await openRunParts({ model: stream, agent: { allowed_tools: [], ...agent } });
    const run = await parts.start("Hi", { delivery: listenerWith(sees ? new Glasses() : undefined) });
    await parts.ended(run.id);
    assert.deepEqual(toolsOf(requests[0]!), wanted, JSON.stringify(agent));
  }
});

Deno.test("a model that can't read what is seen isn't offered to look", async () => {
  const { stream, requests } = model(text("Hello."));
  await using parts = await openRunParts({ model: stream, agent: { look: true } });
  const eyes = new Glasses();
  eyes.readable = false;
  const run = await parts.start("Hi", { delivery: listenerWith(eyes) });
  await parts.ended(run.id);
  assert.deepEqual(toolsOf(requests[0]!), []);
});

Deno.test("the model sees the picture while the run goes on; no row, no event and no later run has it", async () => {
  const answers = [look({ reason: "To read it", source: "screen" }), look({ reason: "Again" }), text("It says hello.")];
  const { stream, requests } = model(...answers);
  await using parts = await openRunParts({ model: stream, agent: { look: true } });
  const eyes = new Glasses();
  const run = await parts.start("What does it say?", { delivery: listenerWith(eyes) });
  assert.equal((await parts.ended(run.id)).status, "completed");
  assert.deepEqual(eyes.asked.map(({ run_id, source, reason }) => [run_id, source, reason]), [
    [run.id, "screen", "To read it"],
    [run.id, undefined, "Again"],
  ]);
  const [, second, third] = requests;
  for (const [request, count] of [[second!, 1], [third!, 2]] as const) {
    const pictures = told(request).flatMap(({ parts = [] }) => parts);
    assert.deepEqual(pictures, Array(count).fill({ type: "image", media_type: "image/webp", bytes: PICTURE }));
  }
  assert.deepEqual(JSON.parse(told(second!)[0]!.content), {
    ...{ source: "screen", width: 4, height: 2, at: "now", picture: "attached for this answer, not kept" },
  });
  const base64 = PICTURE.toBase64();
  for (const word of ["RIFF", base64, base64.slice(4, 20)]) {
    assert.ok(!(await everything(parts, run.id)).includes(word));
  }
  const later = await parts.start("And now?", { conversation_id: run.conversation_id });
  await parts.ended(later.id);
  for (const { content, parts = [] } of told(requests.at(-1)!)) {
    assert.deepEqual(parts, []);
    assert.match(content, /"picture":"gone, as it was not kept: look again if you need it"/);
  }
});

Deno.test("a look that is called as one of many tools shows its picture as well", async () => {
  const call = {
    tool_call_id: "call_0",
    tool: "tool_call",
    arguments: { name: "look", arguments: { reason: "To see" } },
  };
  const { stream, requests } = model({ type: "tool_call", call }, text("It says hello."));
  await using parts = await openRunParts({ model: stream, agent: { look: true, tool_search: true } });
  const run = await parts.start("Look", { delivery: listenerWith(new Glasses()) });
  await parts.ended(run.id);
  assert.deepEqual(told(requests[1]!).map(({ tool, parts = [] }) => [tool, parts.length]), [["tool_call", 1]]);
  await parts.ended((await parts.start("And now?", { conversation_id: run.conversation_id })).id);
  assert.match(told(requests.at(-1)!)[0]!.content, /"picture":"gone/);
});

Deno.test("why there is nothing to see is told to the model, which goes on", async () => {
  const { stream, requests } = model(look({ reason: "To read it" }), look({}), text("I see."));
  await using parts = await openRunParts({ model: stream, agent: { look: true } });
  const eyes = new Glasses();
  eyes.answer = () => Promise.reject(new AppError("ForbiddenError", "Cannot look at the camera: the person said no"));
  const run = await parts.start("Look", { delivery: listenerWith(eyes) });
  assert.equal((await parts.ended(run.id)).status, "completed");
  const [refused, wrong] = told(requests.at(-1)!);
  assert.deepEqual(JSON.parse(refused!.content), { error: "Cannot look at the camera: the person said no" });
  assert.match(wrong!.content, /Cannot call tool \\"look\\": .*reason/);
  assert.equal(eyes.asked.length, 1, "arguments are checked first");
});

Deno.test("a person may have to approve a look before, as any tool", async () => {
  const { stream, requests } = model(look({ reason: "To read it" }), text("It says hello."));
  await using parts = await openRunParts({ model: stream, agent: { look: true, policies: { ask: ["look"] } } });
  const eyes = new Glasses();
  const run = await parts.start("Look", { delivery: listenerWith(eyes) });
  await parts.engine.settled(run.id);
  const [asked] = await parts.store.read({ from: "approvals", where: { run_id: run.id }, limit: 1 });
  assert.equal(eyes.asked.length, 0);
  await parts.runs.decide(CALLER, run.id, asked!.id, { decision: "approve" });
  assert.equal((await parts.ended(run.id)).status, "completed");
  assert.equal(told(requests.at(-1)!)[0]!.parts?.length, 1);
});

Deno.test("whoever approves a look may say what is looked at instead", async () => {
  const { stream } = model(look({ reason: "To see the desk", source: "camera" }), text("It says hello."));
  await using parts = await openRunParts({ model: stream, agent: { look: true, policies: { ask: ["look"] } } });
  const eyes = new Glasses();
  const run = await parts.start("Look", { delivery: listenerWith(eyes) });
  await parts.engine.settled(run.id);
  const [asked] = await parts.store.read({ from: "approvals", where: { run_id: run.id }, limit: 1 });
  const given = { reason: "To read it", source: "screen" };
  await parts.runs.decide(CALLER, run.id, asked!.id, { decision: "approve", arguments: given });
  assert.equal((await parts.ended(run.id)).status, "completed");
  assert.deepEqual(eyes.asked.map(({ reason, source }) => ({ reason, source })), [given]);
});

Deno.test("a look in whose middle the server ended is made again; where the call is gone, the model is told", async () => {
  const { stream, requests } = model(look({ reason: "To read it" }), text("I could not see it."));
  await using parts = await openRunParts({ model: stream, agent: { look: true, policies: { ask: ["look"] } } });
  const over = new AbortController();
  const run = await parts.start("Look", { delivery: { ...listenerWith(new Glasses()), over: over.signal } });
  await parts.engine.settled(run.id);
  over.abort();
  // As a process leaves it that dies in the middle of the call.
  const left = { status: "running", waiting_for: null, lease_until: 0 } as const;
  await parts.store.commit({
    writes: [
      { update: "tool_calls", where: { run_id: run.id }, set: { status: "running" } },
      { update: "approvals", where: { run_id: run.id }, set: { status: "approved" } },
      { update: "runs", where: { id: run.id }, set: left },
    ],
  });
  const [row] = await parts.store.read({ from: "runs", where: { id: run.id }, limit: 1 });
  assert.ok(await parts.engine.take(row!));
  assert.equal((await parts.ended(run.id)).status, "completed");
  assert.match(
    told(requests.at(-1)!)[0]!.content,
    /Cannot look: this answer is not given in a call that shows something/,
  );
});
