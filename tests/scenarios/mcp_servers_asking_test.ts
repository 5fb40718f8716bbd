/**
 * What the sandbox denies, asks and grants, as an agent and the person behind it see it.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { osAbilities } from "../../src/adapters/sandbox/os_abilities.ts";
import { createSandbox } from "../../src/adapters/sandbox/sandbox.ts";
import { systemClock } from "../../src/kit/clock.ts";
import { createLog } from "../../src/kit/log.ts";
import { type Answered, decide, type Office, openOffice } from "../support/mcp_servers_office.ts";
import { PROGRAM } from "../support/mcp_servers_program.ts";
import { ask, type Json, until, untilStatus } from "../support/story.ts";

const { bubblewrap } = await osAbilities();
const WALLS = bubblewrap === undefined ? ["broker"] as const : ["full", "broker"] as const;

/** An office with a reader of files, whose policy leaves reading to a person where `ask` is set. */
function openLibrary(walls: typeof WALLS[number], { ask, tools }: { ask: boolean; tools?: Json }): Promise<Office> {
  return openOffice({
    async furnish(dir) {
      await Deno.mkdir(`${dir}/data`);
      await Deno.writeTextFile(`${dir}/reader.mjs`, PROGRAM);
      for (const name of ["diary", "letters"]) await Deno.writeTextFile(`${dir}/${name}.txt`, `my ${name}`);
    },
    servers: (dir) => ({ reader: { command: "node", args: [`${dir}/reader.mjs`] } }),
    ...tools && { tools },
    policies: () => ({ library: { servers: ["reader"], sandbox: { ask: ask ? ["read"] : [] } } }),
    ...walls === "broker" && {
      sandbox: (dir) =>
        createSandbox({
          dir: `${dir}/data/sandbox`,
          deno: Deno.execPath(),
          hidden: () => [`${dir}/data`],
          env: Deno.env.toObject(),
          clock: systemClock,
          log: createLog({ level: "error", format: "text", write: () => {} }),
          abilities: { notes: ["No bubblewrap in this test"] },
        }),
    },
  });
}

const typesOf = ({ events }: Answered) => events.map(({ type }) => type).filter((type) => type.startsWith("tool."));

for (const walls of WALLS) {
  Deno.test(`a denial reaches the agent as the tool's error, with the policy and what to allow (${walls})`, async () => {
    await using office = await openLibrary(walls, { ask: false });
    assert.equal((await office.ready("reader")).sandbox.tier, walls);
    const path = `${office.dir}/diary.txt`;
    const words = `The policy "library" does not allow reading "${path}": add it to sandbox.read of that policy`;
    const denied = await office.ask({ tool: "reader__read", arguments: { path } });
    assert.deepEqual(typesOf(denied), ["tool.call.started", "tool.call.result"]);
    const { error } = denied.events.find(({ type }) => type === "tool.call.result")!.data;
    assert.ok(error.message.includes(words), error.message);
    assert.ok(denied.row.error.message.includes(words), denied.row.error.message);
    assert.ok(denied.content.includes(words) || denied.content.includes(JSON.stringify(words).slice(1, -1)));
    const { decisions } = (await office.view("reader")).sandbox;
    const [decision] = decisions.filter(({ value }: Json) => value === path);
    assert.ok(decision.denied > 0 && decision.allowed === 0 && decision.permission === "read");
    const program = await office.ask({ tool: "reader__run", arguments: { command: "/usr/bin/id" } });
    assert.match(program.row.error.message, /policy "library" does not allow starting or ending programs/);
  });

  Deno.test(`what a person allows works, at the second try where a box has to be made anew (${walls})`, async () => {
    await using office = await openLibrary(walls, { ask: true });
    await office.ready("reader");
    const diary = `${office.dir}/diary.txt`;
    const run = await office.begin({ tool: "reader__read", arguments: { path: diary } });
    const open = await until("a person is asked", async () => (await ask(office.server, "GET /approvals")).data[0]);
    assert.equal(open.decider, "admin");
    assert.match(open.reason, /an admin decides: a yes holds for all users of the server/);
    const path = `POST /runs/${run.id}/tool_calls/${open.tool_call_id}/decision`;
    const body = { decision: "approve", arguments: {} };
    const refused = await ask(office.server, path, { body, status: 403 });
    assert.match(refused.message, /leaves that to an admin/);
    const question = await decide(office, "approve");
    assert.ok(question.question.message.includes(`read "${diary}"`), JSON.stringify(question));
    assert.equal(question.tool, "reader__read");
    await untilStatus(office.server, run.id, "completed");
    const asked = await office.look(run.id);
    const told = ["tool.call.started", "tool.call.approval_required", "tool.call.approved", "tool.call.result"];
    assert.deepEqual(typesOf(asked), told);
    if (walls === "full") assert.match(asked.row.error.message, /may read ".*" from its next start on.*: try again/);
    else assert.match(JSON.stringify(asked.row.result), /my diary/);
    const again = await office.ask({ tool: "reader__read", arguments: { path: diary } });
    assert.equal(again.row.status, "completed");
    assert.match(again.content, /my diary/);
    assert.deepEqual(typesOf(again), ["tool.call.started", "tool.call.result"]);
    const { state, failures, last_error, restarts } = await office.ready("reader");
    assert.deepEqual([state, last_error, restarts], ["ready", null, walls === "full" ? 1 : 0]);
    assert.equal(failures, 0);
  });
}

Deno.test("what a person refuses is the tool's error, and is not asked a second time", async () => {
  await using office = await openLibrary(WALLS[0], { ask: true });
  await office.ready("reader");
  const path = `${office.dir}/letters.txt`;
  const run = await office.begin({ tool: "reader__read", arguments: { path } });
  await decide(office, "deny");
  await untilStatus(office.server, run.id, "completed");
  const refused = await office.look(run.id);
  const words = `Nobody allowed the server "reader" to read "${path}"`;
  assert.ok(refused.row.error.message.includes(words), refused.row.error.message);
  const again = await office.ask({ tool: "reader__read", arguments: { path } });
  assert.ok(again.row.error.message.includes(words));
  assert.deepEqual(typesOf(again), ["tool.call.started", "tool.call.result"]);
  assert.equal((await office.view("reader")).restarts, 0);
});

Deno.test("an admin is not asked for what the API may not grant", async () => {
  await using office = await openLibrary(WALLS[0], { ask: true, tools: { api_paths: ["/srv"] } });
  await office.ready("reader");
  const denied = await office.ask({ tool: "reader__read", arguments: { path: `${office.dir}/diary.txt` } });
  assert.deepEqual(typesOf(denied), ["tool.call.started", "tool.call.result"]);
  assert.match(denied.row.error.message, /tools\.api_paths says what the API may grant \(now "\/srv"\)/);
});
