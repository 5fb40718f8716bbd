/**
 * A room: three browsers hear each other and an agent, a fourth comes and goes, a screen is seen, two connect directly.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { aloud, good, inBrowser, speech, speechSettings, understood } from "../support/calls.ts";
import { startProvider } from "../support/provider.ts";
import { joinRoom, openRoomSite, type RoomPage, type Somebody } from "../support/room_page.ts";
import { ADMIN_KEY, startServer, type TestServer } from "../support/server.ts";
import { speechEnv, writeGrammar } from "../support/speech.ts";
import { until } from "../support/story.ts";

declare const room: RoomPage;

const TONES = { Ana: 400, Ben: 900, Cleo: 1700, Dan: 3100 };
const ALL = Object.values(TONES);
const ANSWER = "your order is ready";

async function makeRoom(server: TestServer, body: Record<string, unknown> = {}): Promise<Record<string, string>> {
  return await good(await server.request("POST", "/rtc/rooms", { body: { name: "Morning", ...body } }));
}

/** Resolves when the one's sections carry exactly these members' media of a source. */
function carries({ story }: Somebody, source: string, others: readonly Somebody[]): Promise<unknown> {
  const wanted = others.map(({ member_id }) => member_id).toSorted().join();
  return story.until(() => {
    const { slots = {} } = story.of("room.tracks").at(-1) ?? {};
    const shown = Object.values(slots as Record<string, { member_id: string; source: string } | null>);
    const there = shown.flatMap((slot) => slot?.source === source ? [slot.member_id] : []);
    return there.toSorted().join() === wanted;
  });
}

aloud("three browsers and an agent are in a room; the fourth hears no one after it leaves", async () => {
  await using stack = new AsyncDisposableStack();
  const grammar = stack.use(await writeGrammar());
  const provider = stack.use(await startProvider({ script: [{ tokens: ["Your order", " is ready."] }] }));
  const server = stack.use(
    await startServer({
      provider: provider.url,
      // The tones by which people are told apart here are no speech.
      settings: { speech: { ...speechSettings(grammar.path).speech as object, stt: { engine: "none" } } },
      variables: speechEnv(),
    }),
  );
  const agent = { id: "speaker", name: "Nova" };
  await good(await server.request("POST", "/agents", { key: ADMIN_KEY, body: agent }));
  const { id: room_id, conversation_id } = await makeRoom(server, { agents: [{ agent_id: "speaker" }] });
  const site = stack.use(await openRoomSite());
  const place = { server, site, room_id: room_id!, stack };
  const ana = await joinRoom(place, { name: "Ana", tone: TONES.Ana });
  const ben = await joinRoom(place, { name: "Ben", tone: TONES.Ben });
  const cleo = await joinRoom(place, { name: "Cleo", tone: TONES.Cleo });
  const three = [ana, ben, cleo];
  await Promise.all(three.map((one) => carries(one, "microphone", three.filter((other) => other !== one))));
  const heard = await Promise.all(three.map(({ page }) => page.evaluate((all) => room.heard(all, 1500), ALL)));
  assert.deepEqual(heard, [
    [TONES.Ben, TONES.Cleo],
    [TONES.Ana, TONES.Cleo],
    [TONES.Ana, TONES.Ben],
  ]);
  assert.deepEqual(
    cleo.story.of("room.joined").map(({ name, role }) => `${name}, ${role}`),
    ["Nova, agent", "Ana, person", "Ben, person", "Cleo, person"],
  );

  // What people say to each other an agent doesn't answer, but knows.
  await ben.page.evaluate(() => room.say({ type: "text", text: "Ana, did you see my parcel?" }));
  await ana.story.until(({ type, data }) => type === "room.said" && data.name === "Ben");
  for (const { page } of three) await page.evaluate(() => room.record());
  await ana.page.evaluate(() => room.say({ type: "text", text: "Nova, is his order ready?" }));
  await ana.story.until(({ type, data }) => type === "agent.done" && data.run_id !== null);
  for (const recording of await Promise.all(three.map(({ page }) => page.evaluate(() => room.recorded())))) {
    assert.deepEqual(await understood(recording, grammar.path), [ANSWER]);
  }
  const said = ben.story.of("room.said").map(({ name, text }) => `${name}: ${text}`);
  assert.deepEqual(said, ["Ana: Nova, is his order ready?", "Nova: Your order is ready."]);
  const { data: messages } = await good<{ data: { role: string; content: string }[] }>(
    await server.request("GET", `/conversations/${conversation_id}/messages`),
  );
  assert.deepEqual(messages.map(({ role, content }) => `${role} ${content}`), [
    "user Ben: Ana, did you see my parcel?",
    "user Ana: Nova, is his order ready?",
    "assistant Your order is ready.",
  ]);
  assert.equal(provider.requests.length, 1);
  assert.match(JSON.stringify(provider.requests[0]!.body), /Ben: Ana, did you see my parcel/);

  const dan = await joinRoom(place, { name: "Dan", tone: TONES.Dan });
  await carries(dan, "microphone", three);
  await carries(ana, "microphone", [ben, cleo, dan]);
  assert.deepEqual(await dan.page.evaluate((all) => room.heard(all, 1500), ALL), [TONES.Ana, TONES.Ben, TONES.Cleo]);
  assert.deepEqual(await ana.page.evaluate((all) => room.heard(all, 1500), ALL), [TONES.Ben, TONES.Cleo, TONES.Dan]);
  await good(await server.request("DELETE", `/rtc/sessions/${dan.session_id}`));
  await ana.story.until(({ type, data }) => type === "room.left" && data.name === "Dan");
  await dan.page.waitForTimeout(500);
  assert.deepEqual(await dan.page.evaluate((all) => room.heard(all, 1500), ALL), []);
  assert.deepEqual(await ana.page.evaluate((all) => room.heard(all, 1500), ALL), [TONES.Ben, TONES.Cleo]);
  const shown = await good<{ members: { name: string }[] }>(await server.request("GET", `/rtc/rooms/${room_id}`));
  assert.deepEqual(shown.members.map(({ name }) => name), ["Nova", "Ana", "Ben", "Cleo"]);
  const complaints = three.flatMap(({ story }) => story.of("error")).map(({ message }) => message);
  assert.deepEqual(complaints.filter((message) => !message.startsWith("The agent can't hear")), []);
  assert.equal((await server.request("DELETE", `/rtc/rooms/${room_id}`)).status, 204);
  for (const { story } of three) {
    const { data } = await story.state("ended");
    assert.equal(data.reason, "room_ended");
  }
});

aloud("an agent is called by its name, aloud, and somebody else interrupts it", async () => {
  await using stack = new AsyncDisposableStack();
  const [asked, other] = ["nova what is the weather in london today", "please open the garden door"];
  const grammar = stack.use(await writeGrammar([asked, other]));
  const long = Array.from({ length: 12 }, (_, i) => `This is sentence number ${i + 1} of a long story. `);
  const provider = stack.use(await startProvider({ script: [{ tokens: long }] }));
  const server = stack.use(
    await startServer({
      provider: provider.url,
      // Nobody's microphone hears a loudspeaker here.
      settings: { ...speechSettings(grammar.path), rtc: { voice: { echo_guard: false } } },
      variables: speechEnv(),
    }),
  );
  await good(await server.request("POST", "/agents", { key: ADMIN_KEY, body: { id: "speaker", name: "Nova" } }));
  const { id: room_id, conversation_id } = await makeRoom(server, { agents: [{ agent_id: "speaker" }] });
  const site = stack.use(await openRoomSite({ asked: await speech(asked), other: await speech(other) }));
  const place = { server, site, room_id: room_id!, stack };
  const [ana, ben] = [await joinRoom(place, { name: "Ana" }), await joinRoom(place, { name: "Ben" })];
  const nova = ana.story.of("room.joined")[0].member_id;
  await carries(ana, "microphone", [ben]);
  await ben.page.evaluate(() => room.play("other"));
  await ana.story.until(({ type, data }) => type === "room.said" && data.text === other);
  await ana.story.until(({ type, data }) => type === "room.speaker" && data.member_id === ben.member_id);
  assert.equal(provider.requests.length, 0);
  await ana.page.evaluate(() => room.play("asked"));
  await ben.story.until(({ type, data }) => type === "room.said" && data.text === asked);
  await ben.story.until(({ type, data }) => type === "room.said" && data.text.includes("number 2"));
  await ben.story.until(({ type, data }) => type === "room.speaker" && data.member_id === nova);
  await ben.page.evaluate(() => room.play("other"));
  const { data: interrupted } = await ana.story.until(({ type }) => type === "agent.interrupted");
  assert.ok(interrupted.heard.startsWith("This is sentence number 1"), interrupted.heard);
  assert.ok(interrupted.heard.length < long.join("").length / 2, interrupted.heard);
  const repeated = () => ana.story.of("room.said").filter(({ text }) => text === other).length === 2;
  await ana.story.until(() => repeated());
  const { data: messages } = await good<{ data: { role: string; content: string }[] }>(
    await server.request("GET", `/conversations/${conversation_id}/messages`),
  );
  assert.deepEqual(messages.map(({ role }) => role), ["user", "user", "assistant", "user"]);
  assert.deepEqual(messages.filter(({ role }) => role === "user").map(({ content }) => content), [
    `Ben: ${other}`,
    `Ana: ${asked}`,
    `Ben: ${other}`,
  ]);
  assert.equal(messages[2]!.content, interrupted.heard);
});

aloud("two agents asked together answer one after the other, and are interrupted together", async () => {
  await using stack = new AsyncDisposableStack();
  const grammar = stack.use(await writeGrammar());
  const long = Array.from({ length: 12 }, (_, i) => `This is sentence number ${i + 1} of a long story. `);
  const provider = stack.use(
    await startProvider({
      script: [{ tokens: ["It will rain."] }, { tokens: ["I think so too."] }, { tokens: long }],
    }),
  );
  const server = stack.use(
    await startServer({
      provider: provider.url,
      settings: { ...speechSettings(grammar.path), rtc: { voice: { echo_guard: false } } },
      variables: speechEnv(),
    }),
  );
  for (const [id, name] of [["speaker", "Nova"], ["second", "Rex"]]) {
    await good(await server.request("POST", "/agents", { key: ADMIN_KEY, body: { id, name } }));
  }
  const agents = [{ agent_id: "second" }, { agent_id: "speaker" }];
  const { id: room_id, conversation_id } = await makeRoom(server, { agents });
  const site = stack.use(await openRoomSite());
  const place = { server, site, room_id: room_id!, stack };
  const [ana, ben] = [await joinRoom(place, { name: "Ana" }), await joinRoom(place, { name: "Ben" })];
  await carries(ana, "microphone", [ben]);
  const asked = "Nova and Rex, what do you think?";
  await ana.page.evaluate((text) => room.say({ type: "text", text }), asked);
  await ana.story.until(({ type, data }) => type === "agent.done" && data.run_id !== null);
  const said = () => ben.story.of("room.said").map(({ name, text }) => `${name}: ${text}`);
  assert.deepEqual(said(), [`Ana: ${asked}`, "Nova: It will rain.", "Rex: I think so too."]);
  const order = ben.story.events.flatMap(({ type, data }) => type === "room.speaker" ? [data.member_id] : []);
  const [rex, nova] = ana.story.of("room.joined").map(({ member_id }) => member_id);
  assert.ok(order.indexOf(nova) < order.indexOf(rex) && order.indexOf(nova) >= 0, JSON.stringify(order));
  const told = async () =>
    (await good<{ data: { role: string; content: string }[] }>(
      await server.request("GET", `/conversations/${conversation_id}/messages`),
    )).data.map(({ role, content }) => `${role} ${content}`);
  assert.deepEqual(await told(), [
    `user Ana: ${asked}`,
    "assistant It will rain.",
    "user (Ana asked Rex as well.)",
    "assistant I think so too.",
  ]);
  await ana.page.evaluate(() => room.say({ type: "text", text: "Rex and Nova, tell us a story" }));
  await ben.story.until(({ type, data }) => type === "room.said" && data.text.includes("number 2"));
  await ana.page.evaluate(() => room.say({ type: "interrupt" }));
  await ana.story.until(({ type }) => type === "agent.interrupted");
  await ben.page.evaluate(() => room.say({ type: "text", text: "That was long" }));
  await ana.story.until(({ type, data }) => type === "room.said" && data.text === "That was long");
  while ((await told()).length < 7) await ana.page.waitForTimeout(50);
  assert.equal(provider.requests.length, 3, "Nova was not asked any more");
});

aloud("an answer goes on for those who are left when whoever asked leaves, and ends with them", async () => {
  await using stack = new AsyncDisposableStack();
  const grammar = stack.use(await writeGrammar());
  const long = Array.from({ length: 16 }, (_, i) => `This is sentence number ${i + 1} of a long story. `);
  const provider = stack.use(await startProvider({ script: [{ tokens: long }] }));
  const server = stack.use(
    await startServer({
      provider: provider.url,
      settings: { ...speechSettings(grammar.path), rtc: { voice: { echo_guard: false } } },
      variables: speechEnv(),
    }),
  );
  await good(await server.request("POST", "/agents", { key: ADMIN_KEY, body: { id: "speaker", name: "Nova" } }));
  const { id: room_id, conversation_id } = await makeRoom(server, { agents: [{ agent_id: "speaker" }] });
  const site = stack.use(await openRoomSite());
  const place = { server, site, room_id: room_id!, stack };
  const [ana, ben] = [await joinRoom(place, { name: "Ana" }), await joinRoom(place, { name: "Ben" })];
  await carries(ana, "microphone", [ben]);
  const heard = (number: number) =>
    ben.story.until(({ type, data }) => type === "room.said" && data.text.includes(`number ${number} `));
  await ana.page.evaluate(() => room.say({ type: "text", text: "Nova, tell us a story" }));
  await heard(1);
  await good(await server.request("DELETE", `/rtc/sessions/${ana.session_id}`));
  const { seq } = await ben.story.until(({ type, data }) => type === "room.left" && data.name === "Ana");
  assert.ok((await heard(4)).seq > seq);
  await good(await server.request("DELETE", `/rtc/sessions/${ben.session_id}`));
  const messages = async () =>
    (await good<{ data: { role: string; content: string }[] }>(
      await server.request("GET", `/conversations/${conversation_id}/messages`),
    )).data;
  while ((await messages()).length < 2) await new Promise((resolve) => setTimeout(resolve, 50));
  const [, answer] = await messages();
  assert.match(answer!.content, /number 3/);
  assert.doesNotMatch(answer!.content, /number 16/);
  const shown = await good<{ members: { name: string }[] }>(await server.request("GET", `/rtc/rooms/${room_id}`));
  assert.deepEqual(shown.members.map(({ name }) => name), ["Nova"]);
});

inBrowser("a screen is seen by all, and goes before cameras where there are fewer sections", async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startServer({ settings: { rtc: { port: 0 } } }));
  const { id: room_id } = await makeRoom(server);
  const site = stack.use(await openRoomSite());
  const place = { server, site, room_id: room_id!, stack };
  const ana = await joinRoom(place, { name: "Ana", colour: "red" });
  const ben = await joinRoom(place, { name: "Ben", colour: "green" });
  const cleo = await joinRoom(place, { name: "Cleo", video: 1 });
  const show = async ({ page }: Somebody, source: string) => {
    const { audio, video } = await page.evaluate(() => room.mids());
    const tracks = { [audio]: "microphone", [video!]: source };
    await page.evaluate((tracks) => room.say({ type: "tracks", tracks }), tracks);
  };
  await show(ana, "camera");
  await show(ben, "screen");
  await carries(cleo, "screen", [ben]);
  await carries(ana, "screen", [ben]);
  const colours = async ({ page }: Somebody) =>
    Object.values(await page.evaluate(() => room.seen())).filter((colour) => colour !== null);
  const sees = async (one: Somebody, wanted: string[]) => {
    let seen: unknown[] = [];
    const isSeen = async () => {
      seen = await colours(one);
      return seen.join() === wanted.join();
    };
    await until(() => `${wanted} is seen, not ${seen}`, isSeen, { every_ms: 100 }).catch(async (cause) => {
      const counted = await Promise.all([ana, ben, cleo].map(({ page }) => page.evaluate(() => room.pictures())));
      throw new Error(`Ana, Ben and Cleo counted ${JSON.stringify(counted)}`, { cause });
    });
  };
  await sees(cleo, ["green"]);
  await sees(ana, ["green"]);
  await sees(ben, ["red"]);
  // Who holds the call is sent nothing, and afterwards it goes on.
  await cleo.page.evaluate(() => room.say({ type: "hold" }));
  await carries(cleo, "screen", []);
  await cleo.page.evaluate(() => room.say({ type: "resume" }));
  await carries(cleo, "screen", [ben]);
  // The screen is no longer shared: the section goes to the camera.
  await show(ben, "camera");
  const { audio } = await ben.page.evaluate(() => room.mids());
  await ben.page.evaluate((audio) => room.say({ type: "tracks", tracks: { [audio]: "microphone" } }), audio);
  await carries(cleo, "camera", [ana]);
  await sees(cleo, ["red"]);
});

inBrowser("two members connect directly, and nobody signals from outside the room", async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startServer({ settings: { rtc: { port: 0 } } }));
  const { id: room_id } = await makeRoom(server);
  const site = stack.use(await openRoomSite());
  const place = { server, site, room_id: room_id!, stack };
  const [ana, ben] = [await joinRoom(place, { name: "Ana" }), await joinRoom(place, { name: "Ben" })];
  const signal = (from: Somebody, to: Somebody, signal: unknown) =>
    server.request("POST", `/rtc/rooms/${room_id}/members/${to.member_id}/signal`, {
      body: { session_id: from.session_id, signal },
    });
  const signalled = async ({ story }: Somebody, type: string) => {
    const { data } = await story.until((event) => event.type === "room.signal" && event.data.signal.type === type);
    return data as { member_id: string; signal: { sdp: string } };
  };
  const offered = await ana.page.evaluate(() => room.directOffer());
  assert.equal((await signal(ana, ben, { type: "offer", sdp: offered })).status, 204);
  const offer = await signalled(ben, "offer");
  assert.equal(offer.member_id, ana.member_id);
  const sdp = await ben.page.evaluate((sdp) => room.directAnswer(sdp), offer.signal.sdp);
  assert.equal((await signal(ben, ana, { type: "answer", sdp })).status, 204);
  await ana.page.evaluate((sdp) => room.directAccept(sdp), (await signalled(ana, "answer")).signal.sdp);
  await ana.page.evaluate(() => room.tell("over here"));
  assert.equal(await ben.page.evaluate(() => room.told()), "over here");

  assert.equal((await signal(ana, ana, { type: "candidate", candidate: null })).status, 400);
  assert.equal((await signal(ana, ben, { type: "hello" })).status, 400);
  const call = await good<{ id: string }>(await server.request("POST", "/rtc/sessions", { body: {} }));
  assert.equal(
    (await signal({ ...ana, session_id: call.id }, ben, { type: "candidate", candidate: null })).status,
    404,
  );
  let refused;
  for (let n = 0; n < 200 && !refused; n++) {
    const response = await signal(ana, ben, { type: "candidate", candidate: null });
    if (response.status === 429) refused = response;
    else await response.body?.cancel();
  }
  assert.ok(refused, "signals are bounded");
  assert.equal(ana.story.of("room.signal").length, 1);
});
