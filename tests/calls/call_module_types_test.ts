import { strict as assert } from "node:assert";
import { bundleTypes, TYPES } from "../../tools/call_types.ts";
import { startServer } from "../support/server.ts";

const MODULE = "/muxi/call/session_client.js";
const ROOT = new URL("../../", import.meta.url);
const LIB = ["esnext", "dom", "dom.iterable", "dom.asynciterable"];

/** A page's program that is right; each line that expects an error is wrong. */
const RIGHT = `
const call: Call = await Call.start({ base_url: "https://muxi.example.org", key: "…", agent_id: "assistant" });
const stop: () => void = call.on("transcript.final", ({ text, language }) => show(text, language ?? "en"));
call.on("agent.done", ({ latency }) => latency.first_sound_ms?.toFixed());
call.on("connection", ({ state, reason }) => state === "ended" && reason === "hung_up" && stop());
call.on("event", (event) => event.type === "look.done" && event.data.file_id?.length);
call.onLookAsked((look) => call.answerLook(look, look.source === "screen" ? "once" : "no"));
const { round_trip_ms }: CallStatistics = await call.statistics();
await call.share("camera", { width: 640 });
const file: ArrayBuffer = await call.recordings.file((await call.recordings.start()).id);
show(call.place?.room.members[0]?.name ?? "", call.session.voice.language ?? "");
addEventListener("error", ({ error }) => error instanceof CallError && show(error.error, String(error.status)));
// @ts-expect-error Nothing is said that way
call.on("transcript.finished", () => {});
// @ts-expect-error It has no words, but a text
call.on("transcript.final", ({ words }) => words);
// @ts-expect-error Text isn't a number
call.sendText(1);
// @ts-expect-error Two can be muted, not everybody
call.mute("everybody");
// @ts-expect-error It can't be set
call.id = "rtc_1";
// @ts-expect-error Calls are started
new Call();
function show(...texts: string[]): void {
  document.title = [...texts, round_trip_ms, file.byteLength].join();
}
`;

/** One that isn't, in each of its lines. */
const WRONG = `
call.hangup();
call.on("agent.speaking", ({ text }: { text: number }) => text);
const { jitter }: CallStatistics = await call.statistics();
await Call.start({ key: 1 });
`;

/** Compares what is served with what the sources have, name by name; of private parts only what they are called. */
const AGREE = `${
  ['no-default-lib="true"', ...LIB.map((lib) => `lib="${lib}"`)].map((one) => `/// <reference ${one} />`).join("\n")
}
import type * as served from "./session_client.d.ts";
import type * as source from "${ROOT}console/call/session_client.ts";
type Public<Type> = { [Key in keyof Type]: Key extends "recordings" ? Public<Type[Key]> : Type[Key] };
type Same<One, Other> = (<Type>() => Type extends Public<One> ? 1 : 2) extends
  (<Type>() => Type extends Public<Other> ? 1 : 2) ? true : false;
export const started: Same<Parameters<typeof served.Call.start>, Parameters<typeof source.Call.start>> = true;
`;

interface Checked {
  right: boolean;
  /** The lines that are wrong, such as `main.ts:3`. */
  wrong: string[];
  said: string;
}

async function check(args: string[], options: { cwd: string | URL; env?: Record<string, string> }): Promise<Checked> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", ...args],
    ...options,
    env: { ...options.env, NO_COLOR: "1" },
  }).output();
  const said = new TextDecoder().decode(stderr);
  const wrong = Array.from(said.matchAll(/^ {4}at \S*\/([\w.]+:\d+):\d+$/gm), ([, place]) => place!);
  return { right: success, wrong, said };
}

async function openFolder() {
  const path = await Deno.makeTempDir({ prefix: "muxi-typed-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

const startBelow = () => startServer({ settings: { server: { base_path: "/muxi" } } });

Deno.test("the types of the module are what its sources declare", async () => {
  assert.ok(await Deno.readTextFile(TYPES) === await bundleTypes(), 'The types are old: run "deno task call"');
});

Deno.test("the types are served beside the module, which names them wherever the server stands", async () => {
  await using server = await startBelow();
  const module = await fetch(server.url + MODULE);
  await module.body?.cancel();
  const types = await fetch(new URL(module.headers.get("x-typescript-types")!, module.url));
  assert.equal(types.url, `${server.url}/muxi/call/session_client.d.ts`);
  assert.deepEqual([types.status, types.headers.get("content-type")], [200, "application/typescript; charset=utf-8"]);
  assert.equal(await types.text(), await Deno.readTextFile(TYPES));
  const headers = { "if-none-match": types.headers.get("etag")! };
  assert.equal((await fetch(types.url, { headers })).status, 304);
});

Deno.test("a program that imports the module from a server is checked against its types", async () => {
  await using server = await startBelow();
  await using folder = await openFolder();
  const config = { compilerOptions: { strict: true, lib: LIB } };
  await Deno.writeTextFile(`${folder.path}/deno.json`, JSON.stringify(config));
  const imported = `import { Call, CallError, type CallStatistics } from "${server.url}${MODULE}";`;
  await Deno.writeTextFile(`${folder.path}/right.ts`, imported + RIGHT);
  await Deno.writeTextFile(`${folder.path}/wrong.ts`, `${imported}declare const call: Call;${WRONG}`);
  const options = { cwd: folder.path, env: { DENO_DIR: `${folder.path}/cache` } };
  const allowed = `--allow-import=${new URL(server.url).host}`;
  const right = await check([allowed, "right.ts"], options);
  assert.ok(right.right, right.said);
  const wrong = await check([allowed, "wrong.ts"], options);
  assert.deepEqual(wrong.wrong, [2, 3, 4, 5].map((line) => `wrong.ts:${line}`), wrong.said);
});

Deno.test("the types need nothing beside them, and agree with the sources", async () => {
  await using folder = await openFolder();
  const types = await Deno.readTextFile(TYPES);
  assert.doesNotMatch(types.replaceAll(/\/\*\*[\s\S]*?\*\//g, ""), /\b(any|import)\b/);
  const exported = [.../^export \{([^}]*)\};$/m.exec(types)![1]!.matchAll(/(\w+),/g)].map(([, name]) => name!);
  assert.ok(["Call", "CallError", "CallEvents", "CallOptions"].every((name) => exported.includes(name)), `${exported}`);
  const compared = exported.map((name) => `export const ${name}: Same<served.${name}, source.${name}> = true;`);
  await Deno.writeTextFile(`${folder.path}/session_client.d.ts`, types);
  await Deno.writeTextFile(`${folder.path}/agree.ts`, AGREE + compared.join("\n"));
  const { right, said } = await check([`${folder.path}/agree.ts`], { cwd: ROOT });
  assert.ok(right, said);
});
