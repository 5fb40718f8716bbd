/**
 * What the clients of a soak do, each again and again. A story throws where an answer is wrong.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { toTokens } from "../support/provider_reply.ts";
import { type AskOptions, type Client, Seen, toMessage } from "./client.ts";

/** One thing a client does. */
export type Story = (client: Client) => Promise<void>;

/** Long enough to be cancelled on the way. */
const SLOW = { tokens: 4000, delay: 5 };

function pickQuick({ random }: Client) {
  return { tokens: random.whole(1, 6) * 20, delay: random.pick([0, 0, 1, 4]), chunks: random.pick([1, 8]) };
}

const textOf = (step: { tokens: number }) => toTokens(step).join("");

async function forget(client: Client, conversation_id: string): Promise<void> {
  await client.ask("DELETE", `/conversations/${conversation_id}`, { status: 204 });
}

/** A conversation of a few turns, streamed. */
async function talk(client: Client): Promise<void> {
  let conversation_id: string | undefined;
  const turns = client.random.whole(1, 4);
  for (let turn = 0; turn < turns; turn++) {
    const step = pickQuick(client);
    const seen = new Seen();
    await seen.read(await client.chat(step, conversation_id ? { conversation_id } : {}));
    assert.equal(seen.end, "run.completed");
    assert.equal(seen.text, textOf(step));
    assert.equal(seen.frames.at(-1)!.data.message.content, textOf(step));
    conversation_id ??= seen.conversation_id;
    assert.equal(seen.conversation_id, conversation_id);
  }
  const { data } = await client.ask("GET", `/conversations/${conversation_id}/messages`);
  assert.equal(data.length, turns * 2);
  await forget(client, conversation_id!);
}

/** A collected answer, asked for twice at times, as after a lost connection. */
async function ask(client: Client): Promise<void> {
  const step = pickQuick(client);
  const user_id = `soak-${client.random.whole(1, 20)}`;
  const again = client.random.chance(0.2);
  const options: AskOptions = {
    body: { message: toMessage(step), user_id },
    ...again && { headers: { "idempotency-key": crypto.randomUUID() } },
  };
  const answer = await client.ask("POST", "/chat", options);
  assert.deepEqual([answer.status, answer.message.content], ["completed", textOf(step)]);
  if (again) assert.equal((await client.ask("POST", "/chat", options)).run_id, answer.run_id);
  const run = await client.ask("GET", `/runs/${answer.run_id}?user_id=${user_id}`);
  assert.deepEqual([run.status, run.usage.output_tokens], ["completed", step.tokens]);
  await client.ask("GET", `/runs/${answer.run_id}?user_id=somebody`, { status: 404 });
  // Some are left for retention.
  if (client.random.chance(0.5)) return;
  await client.ask("DELETE", `/conversations/${answer.conversation_id}?user_id=${user_id}`, { status: 204 });
}

/** Cancels on the way, by a request or by leaving. */
async function cancel(client: Client): Promise<void> {
  const leave = client.random.chance(0.5);
  const seen = new Seen();
  const response = await client.chat(SLOW, { on_disconnect: leave ? "cancel" : "continue" });
  if (leave) {
    await seen.read(response, client.random.whole(1, 6));
    const answer = await client.ask("GET", `/runs/${seen.run_id}/events`);
    assert.equal(answer.status, "cancelled");
  } else {
    const reading = seen.read(response);
    await seen.until(client.random.whole(1, 6), reading);
    const run = await client.ask("POST", `/runs/${seen.run_id}/cancel`, { body: {}, status: 202 });
    assert.equal(run.id, seen.run_id);
    await reading;
    assert.equal(seen.end, "run.cancelled");
  }
  await forget(client, seen.conversation_id);
}

/** Loses the connection again and again, and reads on from the last event each time. */
async function resume(client: Client): Promise<void> {
  const step = { tokens: client.random.whole(20, 200), delay: client.random.pick([1, 3]) };
  const seen = new Seen();
  await seen.read(await client.chat(step), client.random.whole(1, 5));
  const path = `/runs/${seen.run_id}/events`;
  while (!seen.end) {
    const headers = { "last-event-id": `${seen.last}` };
    await seen.read(await client.open("GET", path, { headers }), client.random.whole(1, 8));
  }
  assert.deepEqual([seen.end, seen.text], ["run.completed", textOf(step)]);
  const headers = { accept: "text/event-stream", "last-event-id": `${seen.last}` };
  await client.ask("GET", path, { headers, status: 204 });
  await client.ask("GET", `${path}?starting_after=${seen.last + 1}`, { status: 409 });
  await forget(client, seen.conversation_id);
}

/** Several messages at once in one conversation. */
async function queue(client: Client): Promise<void> {
  const { id: conversation_id } = await client.ask("POST", "/conversations", { body: {}, status: 201 });
  const steps = Array.from({ length: client.random.whole(2, 5) }, () => pickQuick(client));
  await Promise.all(steps.map(async (step) => {
    const seen = new Seen();
    await seen.read(await client.chat(step, { conversation_id }));
    assert.deepEqual([seen.end, seen.text], ["run.completed", textOf(step)]);
  }));
  const { data } = await client.ask("GET", `/conversations/${conversation_id}/messages`);
  assert.equal(data.length, steps.length * 2);
  await forget(client, conversation_id);
  await client.ask("GET", `/conversations/${conversation_id}`, { status: 404 });
}

/** A second message that takes the first one's place, after one that would not wait. */
async function interrupt(client: Client): Promise<void> {
  const first = new Seen();
  const reading = first.read(await client.chat(SLOW));
  await first.until(1, reading);
  const { conversation_id } = first;
  const step = pickQuick(client);
  const message = toMessage(step);
  await client.ask("POST", "/chat", { body: { message, conversation_id, multitask: "reject" }, status: 409 });
  const answer = await client.ask("POST", "/chat", { body: { message, conversation_id, multitask: "interrupt" } });
  assert.deepEqual([answer.status, answer.message.content], ["completed", textOf(step)]);
  await reading;
  assert.equal(first.end, "run.cancelled");
  await forget(client, conversation_id);
}

/** A file goes up and down. */
async function carry(client: Client): Promise<void> {
  const bytes = crypto.getRandomValues(new Uint8Array(client.random.whole(1, 60) * 1024));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const headers = { "content-type": "application/octet-stream" };
  const file = await client.ask("POST", "/files?name=load.bin", { body: bytes, headers, status: 201 });
  assert.deepEqual([file.size, file.sha256], [bytes.length, sha256]);
  const response = await client.send("GET", `/files/${file.id}/content`);
  if (client.random.chance(0.3)) await response.body!.cancel();
  else assert.equal(createHash("sha256").update(new Uint8Array(await response.arrayBuffer())).digest("hex"), sha256);
  await client.ask("DELETE", `/files/${file.id}`, { status: 204 });
  await client.ask("GET", `/files/${file.id}/content`, { status: 404 });
}

/** The provider refuses, or breaks off. */
async function fail(client: Client): Promise<void> {
  if (client.random.chance(0.5)) {
    const { details } = await client.ask("POST", "/chat", {
      body: { message: toMessage({ status: 400 }) },
      status: 502,
    });
    const run = await client.ask("GET", `/runs/${details.run_id}`);
    assert.equal(run.status, "failed");
    return await forget(client, run.conversation_id);
  }
  const seen = new Seen();
  await seen.read(await client.chat({ tokens: 50, die_after: client.random.whole(2, 40), delay: 1 }));
  assert.equal(seen.end, "run.failed");
  await forget(client, seen.conversation_id);
}

/** Looks around. */
async function look(client: Client): Promise<void> {
  const { data } = await client.ask("GET", `/runs?limit=${client.random.whole(1, 50)}`);
  if (data.length > 0) {
    await client.send("GET", `/runs/${data[0].id}/steps`).then((response) => response.body?.cancel());
  }
  const key = client.keys.admin;
  await client.ask("GET", "/system/status", { key });
  if (client.random.chance(0.1)) await client.ask("GET", "/system/usage", { key });
  const { ticket } = await client.ask("POST", "/tickets", { body: {}, status: 201 });
  await client.ask("GET", `/agents?ticket=${ticket}`, { key: null });
  await client.ask("GET", `/agents?ticket=${ticket}`, { key: null, status: 401 });
  const path = `/users/soak-${client.random.whole(1, 20)}/context`;
  await client.ask("POST", path, { key, body: { context: { mood: client.random.whole(1, 9) } }, status: 201 });
}

const HOSTILE: readonly (readonly [string, string, AskOptions])[] = [
  ["GET", "/agents", { key: "sk_muxi_user_wrong", status: 401 }],
  ["POST", "/chat", { key: "sk_muxi_user_wrong", body: { message: "Hi" }, status: 401 }],
  ["GET", "/system/status", { status: 403 }],
  ["POST", "/chat", { body: '{"message": "Hi"', status: 400 }],
  ["POST", "/chat", { body: { message: 1 }, status: 400 }],
  ["POST", "/chat/stream", { body: { massage: "Hi" }, status: 400 }],
  ["POST", "/chat", { body: "[".repeat(100_000), status: 400 }],
  ["POST", "/chat", { body: "x", headers: { "content-type": "application/xml" }, status: 415 }],
  ["POST", "/chat", { body: `{"message":"${"x".repeat(1_100_000)}"}`, status: 413 }],
  ["GET", "/nowhere", { status: 404 }],
  ["GET", "/runs/run_1", { status: 404 }],
  ["GET", "/runs/run_1/events", { headers: { accept: "text/event-stream" }, status: 404 }],
  ["GET", "/runs/run_1/events", { headers: { "last-event-id": "junk" }, status: 400 }],
  ["GET", "/runs?limit=-1", { status: 400 }],
  ["GET", "/files/%2e%2e%2fetc", { status: 400 }],
  ["DELETE", "/agents", { status: 405 }],
];

/** Nonsense, and connections that break off within a request. */
async function attack(client: Client): Promise<void> {
  const [method, path, options] = client.random.pick(HOSTILE);
  await client.ask(method, path, options);
  if (client.random.chance(0.5)) return;
  const { hostname, port } = new URL(client.url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  client.requests++;
  const head = `POST /api/v1/${client.random.pick(["chat", "files"])} HTTP/1.1\r\nhost: soak\r\n` +
    `authorization: Bearer ${client.keys.user}\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n{"mes`;
  await connection.write(new TextEncoder().encode(head.slice(0, client.random.whole(1, head.length))));
  await new Promise((resolve) => setTimeout(resolve, client.random.whole(0, 20)));
}

/** How many clients tell which story at the same time. */
export const CAST: Readonly<Record<string, { story: Story; clients: number }>> = {
  talk: { story: talk, clients: 3 },
  ask: { story: ask, clients: 2 },
  cancel: { story: cancel, clients: 2 },
  resume: { story: resume, clients: 3 },
  queue: { story: queue, clients: 1 },
  interrupt: { story: interrupt, clients: 1 },
  carry: { story: carry, clients: 2 },
  fail: { story: fail, clients: 1 },
  look: { story: look, clients: 1 },
  attack: { story: attack, clients: 2 },
};
