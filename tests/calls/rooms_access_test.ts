/**
 * Who finds a room, who gets in, and when it ends.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { CallStory, good } from "../support/calls.ts";
import { ADMIN_KEY, startServer, type TestServer } from "../support/server.ts";
import { OTHER_KEY } from "../support/world.ts";

interface Joined {
  member: { id: string; name: string };
  session: { id: string; room_id: string; conversation_id: string };
  room: { members: { name: string; role: string }[]; conversation_id: string };
}

function start(settings: Record<string, unknown> = {}, data_dir?: string): Promise<TestServer> {
  return startServer({
    settings: { auth: { api_keys: [`other:user:${OTHER_KEY}`] }, rtc: { rooms: settings } },
    ...data_dir !== undefined && { data_dir },
  });
}

async function makeRoom(server: TestServer, body: Record<string, unknown> = {}): Promise<{ id: string }> {
  return await good(await server.request("POST", "/rtc/rooms", { body: { name: "Morning", ...body } }));
}

const join = (server: TestServer, id: string, body: Record<string, unknown>, key?: string) =>
  server.request("POST", `/rtc/rooms/${id}/members`, { body, ...key !== undefined && { key } });

async function refusal(response: Response): Promise<[number, string]> {
  return [response.status, (await response.json()).message];
}

Deno.test("a room of one key is none for another key", async () => {
  await using server = await start();
  const { id } = await makeRoom(server);
  const { member, session } = await good<Joined>(await join(server, id, { name: "Ana" }));
  const signal = { session_id: session.id, signal: { type: "candidate", candidate: null } };
  const asked = [
    await server.request("GET", `/rtc/rooms/${id}`, { key: OTHER_KEY }),
    await server.request("DELETE", `/rtc/rooms/${id}`, { key: OTHER_KEY }),
    await join(server, id, { name: "Eve" }, OTHER_KEY),
    await server.request("DELETE", `/rtc/rooms/${id}/members/${member.id}`, { key: OTHER_KEY }),
    await server.request("POST", `/rtc/rooms/${id}/members/${member.id}/signal`, { key: OTHER_KEY, body: signal }),
    await server.request("POST", "/rtc/secrets", { key: OTHER_KEY, body: { room_id: id } }),
  ];
  for (const response of asked) assert.deepEqual(await refusal(response), [404, `Cannot find room "${id}"`]);
  const own = await makeRoom(server);
  const elsewhere = await server.request("POST", `/rtc/rooms/${own.id}/members/${member.id}/signal`, { body: signal });
  assert.equal((await refusal(elsewhere))[0], 404);
  const { data } = await good<{ data: unknown[] }>(await server.request("GET", "/rtc/rooms", { key: OTHER_KEY }));
  assert.deepEqual(data, []);
  assert.equal((await server.request("GET", `/rtc/rooms/${id}`, { key: ADMIN_KEY })).status, 200);
});

Deno.test("an invitation opens its room and nothing else, and gives no other member away", async () => {
  await using server = await start();
  const [{ id }, other] = [await makeRoom(server), await makeRoom(server)];
  const ana = await good<Joined>(await join(server, id, { name: "Ana" }));
  const { secret } = await good<{ secret: string }>(
    await server.request("POST", "/rtc/secrets", { body: { room_id: id } }),
  );
  const guest = { key: secret };
  const joined = await server.request("POST", `/rtc/rooms/${id}/members`, { ...guest, body: { name: "Guest" } });
  const text = await joined.text();
  assert.equal(joined.status, 201);
  assert.ok(!text.includes(ana.session.id), "a guest learns nothing by which Ana's call could be ended");
  const { session } = JSON.parse(text) as Joined;
  const asked = await Promise.all([
    server.request("GET", `/rtc/rooms/${id}`, guest),
    server.request("GET", `/rtc/sessions/${session.id}`, guest),
    server.request("GET", `/rtc/rooms/${other.id}`, guest),
    join(server, other.id, { name: "Guest" }, secret),
    server.request("POST", "/rtc/sessions", { ...guest, body: {} }),
    server.request("POST", "/rtc/offer", { ...guest, body: { request: true } }),
    server.request("DELETE", `/rtc/rooms/${id}`, guest),
    server.request("DELETE", `/rtc/rooms/${id}/members/${ana.member.id}`, guest),
    server.request("POST", "/rtc/rooms", { ...guest, body: { name: "Mine" } }),
    server.request("GET", `/conversations/${ana.room.conversation_id}/messages`, guest),
  ]);
  assert.deepEqual(asked.map(({ status }) => status), [200, 200, 404, 404, 403, 403, 403, 403, 403, 403]);
  for (const response of asked) await response.body?.cancel();
  const plain = await good<{ secret: string }>(await server.request("POST", "/rtc/secrets", { body: {} }));
  assert.equal((await refusal(await join(server, id, { name: "Eve" }, plain.secret)))[0], 404);
});

Deno.test("an invitation for a user's room sees none of the user's other calls", async () => {
  await using server = await start();
  const { id } = await makeRoom(server, { user_id: "anna" });
  const host = await good<Joined>(await join(server, id, { name: "Anna", user_id: "anna" }));
  const alone = await good<{ id: string }>(
    await server.request("POST", "/rtc/sessions", { body: { user_id: "anna" } }),
  );
  const { secret: key } = await good<{ secret: string }>(
    await server.request("POST", "/rtc/secrets", { body: { room_id: id, user_id: "anna" } }),
  );
  const guest = await good<Joined>(await join(server, id, { name: "Guest" }, key));
  assert.equal((await server.request("GET", `/rtc/sessions/${guest.session.id}`, { key })).status, 200);
  const candidate = { type: "candidate", candidate: null };
  const as = (session_id: string) => ({ key, body: { session_id, signal: candidate } });
  const asked = [
    await server.request("GET", `/rtc/sessions/${alone.id}`, { key }),
    await server.request("GET", `/rtc/sessions/${host.session.id}`, { key }),
    await server.request("POST", `/rtc/rooms/${id}/members/${guest.member.id}/signal`, as(host.session.id)),
    await server.request("POST", `/rtc/rooms/${id}/members/${host.member.id}/signal`, as(guest.session.id)),
    await server.request("DELETE", `/rtc/sessions/${host.session.id}`, { key }),
  ];
  assert.deepEqual(asked.map(({ status }) => status), [404, 404, 404, 204, 404]);
  for (const response of asked) await response.body?.cancel();
});

Deno.test("who comes and goes is told, names are told apart, and a full room takes nobody", async () => {
  await using server = await start({ max_members: 2 });
  const { id } = await makeRoom(server, { agents: [{ agent_id: "assistant", name: "Nova", aliases: ["Star"] }] });
  const ana = await good<Joined>(await join(server, id, { name: "Ana" }));
  assert.deepEqual([ana.session.room_id, ana.session.conversation_id], [id, ana.room.conversation_id]);
  await using story = new CallStory(server, ana.session.id);
  const second = await good<Joined>(await join(server, id, { name: "ana" }));
  assert.equal(second.member.name, "ana 2");
  assert.deepEqual(second.room.members.map(({ name, role }) => `${name} ${role}`), [
    "Nova agent",
    "Ana person",
    "ana 2 person",
  ]);
  assert.deepEqual(await refusal(await join(server, id, { name: "Cleo" })), [
    409,
    'Cannot join room "Morning": it has 2 members, and takes no more',
  ]);
  assert.equal((await server.request("DELETE", `/rtc/rooms/${id}/members/${second.member.id}`)).status, 204);
  const { data: left } = await story.until(({ type }) => type === "room.left");
  assert.deepEqual(left, { member_id: second.member.id, name: "ana 2" });
  const { reason } = await good(await server.request("GET", `/rtc/sessions/${second.session.id}`));
  assert.equal(reason, "left");
  assert.equal((await server.request("DELETE", `/rtc/rooms/${id}/members/${second.member.id}`)).status, 404);
  assert.equal((await server.request("DELETE", `/rtc/rooms/${id}`)).status, 204);
  assert.equal((await story.state("ended")).data.reason, "room_ended");
  assert.equal((await server.request("DELETE", `/rtc/rooms/${id}`)).status, 204);
  assert.deepEqual(await refusal(await join(server, id, { name: "Cleo" })), [
    410,
    `Cannot use room "${id}": it has ended (deleted)`,
  ]);
  const ended = await good<{ data: { id: string; reason: string }[] }>(
    await server.request("GET", "/rtc/rooms?ended=true"),
  );
  assert.deepEqual(ended.data.map((room) => [room.id, room.reason]), [[id, "deleted"]]);
});

Deno.test("what can't be a room is refused", async () => {
  await using server = await start({ max_rooms: 1 });
  const post = async (body: Record<string, unknown>) =>
    (await refusal(await server.request("POST", "/rtc/rooms", { body: { name: "Morning", ...body } })))[0];
  assert.equal(await post({ agents: [{ agent_id: "nobody" }] }), 404);
  const twice = [{ agent_id: "assistant", name: "Nova" }, { agent_id: "assistant", aliases: ["nova"] }];
  assert.equal(await post({ agents: twice }), 400);
  assert.equal(await post({ max_members: 9 }), 400);
  assert.equal(await post({ agents: [{ agent_id: "assistant", name: "a: b" }] }), 400);
  const { id } = await makeRoom(server);
  assert.equal(await post({}), 503);
  assert.equal((await refusal(await join(server, id, { name: "Ana: Ben" })))[0], 400);
});

Deno.test("an empty room ends, and one that goes on is there after a restart, without those who were in it", async () => {
  const data_dir = await Deno.makeTempDir({ prefix: "muxi-rooms-" });
  try {
    let id = "";
    {
      await using server = await start({}, data_dir);
      id = (await makeRoom(server)).id;
      await good(await join(server, id, { name: "Ana" }));
    }
    await using server = await start({ idle_seconds: 5 }, data_dir);
    const { members } = await good<{ members: unknown[] }>(await server.request("GET", `/rtc/rooms/${id}`));
    assert.deepEqual(members, []);
    const ana = await good<Joined>(await join(server, id, { name: "Ana" }));
    assert.equal(ana.member.name, "Ana");
    await using story = new CallStory(server, ana.session.id);
    await story.until(({ type }) => type === "room.joined");
    await good(await server.request("DELETE", `/rtc/sessions/${ana.session.id}`));
    for (let reason = null; reason === null;) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      reason = (await good<{ reason: null }>(await server.request("GET", `/rtc/rooms/${id}`))).reason;
      if (reason !== null) assert.equal(reason, "idle");
    }
  } finally {
    await Deno.remove(data_dir, { recursive: true });
  }
});
