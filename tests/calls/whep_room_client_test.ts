/**
 * npm's whip-whep in Chromium watches a room of two browsers: it hears and sees who speaks, in one stream.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { aloud, good, speech, speechSettings, understood } from "../support/calls.ts";
import { bundle, openClient } from "../support/foreign_client.ts";
import { joinRoom, openRoomSite, type RoomPage, type Somebody } from "../support/room_page.ts";
import { startServer } from "../support/server.ts";
import { speechEnv, writeGrammar } from "../support/speech.ts";
import { until } from "../support/story.ts";
import { TAPE } from "../support/tape.ts";

declare const room: RoomPage;
declare const whep: {
  view(url: string, token: string): Promise<string>;
  /** Begins to record what is heard. */
  record(): void;
  /** Ends that a little later; resolves with the file's bytes in base64. */
  recorded(): Promise<string>;
  /** The colour that is seen. */
  colour(): "red" | "green" | "blue" | null;
  state(): string;
};

const CLIENT = `
import { WHEPClient } from "npm:whip-whep@1.2.0/whep.js";
${TAPE}
const connected = (pc) => new Promise((resolve) => {
  const look = () => pc.connectionState === "connected" && resolve();
  pc.addEventListener("connectionstatechange", look);
  look();
});
let viewer, pc, sound, video, taped;
globalThis.whep = {
  async view(url, token) {
    pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    pc.ontrack = ({ track }) => {
      const stream = new MediaStream([track]);
      const player = document.createElement(track.kind);
      Object.assign(player, { srcObject: stream, muted: true, autoplay: true });
      player.play();
      if (track.kind === "audio") sound = stream;
      else video = player;
    };
    for (const kind of ["audio", "video"]) pc.addTransceiver(kind, { direction: "recvonly" });
    viewer = new WHEPClient();
    await viewer.view(pc, url, token);
    await connected(pc);
    return String(viewer.resourceURL);
  },
  record() {
    taped = tape(sound);
  },
  recorded: () => taped(),
  colour() {
    const canvas = new OffscreenCanvas(1, 1), pen = canvas.getContext("2d");
    if (video.videoWidth > 0) pen.drawImage(video, 0, 0, 1, 1);
    const [red, green, blue] = pen.getImageData(0, 0, 1, 1).data;
    const most = Math.max(red, green, blue);
    return most < 100 ? null : most === red ? "red" : most === green ? "green" : "blue";
  },
  state: () => pc.connectionState,
};
`;

const [FIRST, SECOND] = ["what is the weather in london today", "please open the garden door"];

aloud("a player hears and sees one person, then the other, without a key, and the room's end ends it", async () => {
  await using stack = new AsyncDisposableStack();
  const grammar = stack.use(await writeGrammar([FIRST, SECOND]));
  const { page, origin } = await openClient(stack, { script: await bundle(CLIENT) });
  const server = stack.use(
    await startServer({
      variables: speechEnv(),
      settings: { server: { cors: { origins: [origin] } }, ...speechSettings(grammar.path) },
    }),
  );
  const { id: room_id } = await good<{ id: string }>(
    await server.request("POST", "/rtc/rooms", { body: { name: "Morning" } }),
  );
  const site = stack.use(await openRoomSite({ first: await speech(FIRST), second: await speech(SECOND) }));
  const place = { server, site, room_id, stack };
  const ana = await joinRoom(place, { name: "Ana", colour: "red" });
  const ben = await joinRoom(place, { name: "Ben", colour: "green" });
  const { secret } = await good<{ secret: string }>(
    await server.request("POST", "/rtc/secrets", { body: { watch: room_id } }),
  );
  const viewed = await page.evaluate(([url, token]) => whep.view(url!, token!), [
    `${server.url}/api/v1/rtc/whep/${room_id}`,
    secret,
  ]);
  const viewer_id = viewed.split("/").at(-1)!;
  for (const { story } of [ana, ben]) {
    await story.until(({ type, data }) => type === "session.viewer" && data.viewer_id === viewer_id && data.present);
  }
  const turns = ({ member_id }: Somebody) =>
    ana.story.events.filter(({ type, data }) => type === "room.speaker" && data.member_id === member_id).length;
  const quiet = () => ana.story.until(() => ana.story.of("room.speaker").at(-1).member_id === null);
  /** Says something until it is understood: of who takes over a syllable may be missing, and on a busy machine more. */
  const hears = async (person: Somebody, { sound, words }: { sound: string; words: string }) => {
    const before = turns(person);
    await person.page.evaluate((sound) => room.play(sound), sound);
    await ana.story.until(() => turns(person) > before);
    await until(`"${words}" is understood`, async () => {
      await quiet();
      const said = turns(person);
      await page.evaluate(() => whep.record());
      await person.page.evaluate((sound) => room.play(sound), sound);
      await ana.story.until(() => turns(person) > said);
      await quiet();
      return (await understood(await page.evaluate(() => whep.recorded()), grammar.path)).join() === words;
    });
  };
  const sees = (colour: string) =>
    until(`${colour} is seen`, async () => (await page.evaluate(() => whep.colour())) === colour, { every_ms: 50 });
  await hears(ana, { sound: "first", words: FIRST });
  await sees("red");
  await hears(ben, { sound: "second", words: SECOND });
  await sees("green");
  await hears(ana, { sound: "first", words: FIRST });
  await sees("red");

  assert.equal((await server.request("DELETE", `/rtc/rooms/${room_id}`)).status, 204);
  await until("the player is left alone", async () => (await page.evaluate(() => whep.state())) !== "connected");
  const ended = await good<{ reason: string; stats: { packets_sent: number } }>(
    await server.request("GET", `/rtc/sessions/${viewer_id}`),
  );
  assert.equal(ended.reason, "room_ended");
  assert.ok(ended.stats.packets_sent > 100);
});
