/**
 * Somebody says something short while the agent speaks that asks for nothing: the agent pauses, goes on, and says all of
 * its answer.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { aloud, good, speechSettings } from "../support/calls.ts";
import { openCaller, speechPackets, understoodInPackets } from "../support/caller.ts";
import { pocketsphinx, SENTENCES, writeGrammar } from "../support/speech.ts";
import type { Json } from "../support/story.ts";
import { startSpeaking } from "../support/voice_story.ts";

const ANSWER = [
  "Please open the garden door.",
  "Good morning thank you.",
  "The answer is seven blue.",
  "Your order is ready.",
];
/** Packets of silence after what was said. */
const PAUSE = 60;

/** Words are what decides here, however slowly the short one is said. */
const RTC = { voice: { min_interrupt_ms: 5000 } };

for (
  const { what, heard, engine } of [
    { what: `"okay"`, heard: "okay", engine: pocketsphinx },
    { what: "a sound that no engine understands", heard: "", engine: () => ["sh", "-c", "cat > /dev/null"] },
  ]
) {
  aloud(`the agent goes on after ${what}, to the end of its answer`, async () => {
    await using stack = new AsyncDisposableStack();
    const [short, answers] = [await writeGrammar(["okay"]), await writeGrammar([`(${SENTENCES.join(" | ")})+`])];
    stack.use(short);
    stack.use(answers);
    const { speech } = speechSettings(short.path) as Json;
    speech.stt.command = engine(short.path);
    const { server } = await startSpeaking(stack, { tokens: ANSWER.map((one) => `${one} `) }, { speech, rtc: RTC });
    const packets: Uint8Array[] = [];
    const onMedia = ({ payload }: { payload: Uint8Array }) => void packets.push(payload);
    const caller = stack.use(await openCaller(server, { body: { agent_id: "speaker" }, onMedia }));
    const { sound, silence } = await speechPackets("okay");
    caller.send({ type: "text", text: "Tell me" });
    const { data: { run_id } } = await caller.told("agent.speaking");
    await caller.say([...sound, ...new Array(PAUSE).fill(silence)]);
    const { data: { turn_id } } = await caller.told("speech.started");
    assert.equal((await caller.told("agent.resumed")).data.run_id, run_id);
    const typed = await caller.told("transcript.final");
    const { data: final } = await caller.told("transcript.final", typed.at + 1);
    assert.deepEqual([final.turn_id, final.text], [turn_id, heard]);
    await caller.told("agent.done");
    assert.deepEqual(caller.of("agent.interrupted"), []);
    assert.deepEqual(caller.of("agent.speaking").map(({ text }) => text), ANSWER);
    const said = (await understoodInPackets(packets, answers.path)).join(" ");
    assert.ok(said.endsWith("the answer is seven blue your order is ready"), said);
    const { data } = await good<{ data: { status: string }[] }>(await server.request("GET", "/runs"));
    assert.deepEqual(data.map(({ status }) => status), ["completed"]);
  });
}
