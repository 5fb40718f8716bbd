/**
 * A tool that a person has to allow: the question comes on the call's data channel, is decided there, and the answer is
 * said accordingly.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { aloud, good } from "../support/calls.ts";
import { type Caller, openCaller, understoodInPackets } from "../support/caller.ts";
import { ADMIN_KEY } from "../support/server.ts";
import { SENTENCES, writeGrammar } from "../support/speech.ts";
import type { Json } from "../support/story.ts";
import { startSpeaking } from "../support/voice_story.ts";

/** What the agent says while it waits. */
const WAITING = "Good morning thank you.";
const REASON = "Not at this hour";

/** The first event of a run's log that is of `type`. */
async function toldOfRun(caller: Caller, type: string): Promise<Json> {
  for (let from = 0;;) {
    const { data, at } = await caller.told("run.event", from);
    if (data.event === type) return data;
    from = at + 1;
  }
}

for (
  const { decision, answer, calls, told } of [
    { decision: "approve", answer: "Your order is ready.", calls: ["look"], told: /sunny/ },
    { decision: "deny", answer: "The answer is seven blue.", calls: [], told: new RegExp(REASON) },
  ]
) {
  aloud(`a call of a tool waits for the caller: ${decision}`, async () => {
    await using stack = new AsyncDisposableStack();
    const answers = stack.use(await writeGrammar([`(${SENTENCES.join(" | ")})+`]));
    const script = [{ tool_calls: [{ name: "look", arguments: { where: "garden" } }] }, { tokens: [answer] }];
    const settings = { rtc: { voice: { waiting_phrase: WAITING } } };
    const { server, provider, toolbox } = await startSpeaking(stack, script, settings);
    const agent = { id: "porter", name: "Porter", allowed_tools: ["*"], policies: { ask: ["look"] } };
    await good(await server.request("POST", "/agents", { key: ADMIN_KEY, body: agent }));
    const packets: Uint8Array[] = [];
    const onMedia = ({ payload }: { payload: Uint8Array }) => void packets.push(payload);
    const caller = stack.use(await openCaller(server, { body: { agent_id: "porter" }, onMedia }));
    caller.send({ type: "text", text: "Open the garden door" });
    const { run_id, data: { tool_call_id, tool, arguments: given } } = await toldOfRun(
      caller,
      "tool.call.approval_required",
    );
    assert.deepEqual([tool, given], ["look", { where: "garden" }]);
    await toldOfRun(caller, "run.waiting");
    assert.deepEqual(toolbox.calls, []);
    caller.send({ type: "approval", run_id, tool_call_id, decision, reason: REASON });
    await toldOfRun(caller, "run.completed");
    await caller.told("agent.done");
    assert.deepEqual(toolbox.calls.map(({ tool }) => tool), calls);
    assert.match(provider.requests[1]!.body.messages.at(-1).content, told, "the model knows of it");
    assert.deepEqual(caller.of("agent.speaking").map(({ text, aloud }) => [text, aloud]), [[WAITING, true], [
      answer,
      true,
    ]]);
    const heard = (await understoodInPackets(packets, answers.path)).join(" ");
    assert.equal(heard, `${WAITING} ${answer}`.toLowerCase().replaceAll(".", ""));
  });
}
