/**
 * People meet in a room on the page `/call`: one with a key, the others by an invitation.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { DEVICES, startBrowser } from "../support/browser.ts";
import { BROWSER, good, inBrowser } from "../support/calls.ts";
import { ADMIN_KEY, startServer, USER_KEY } from "../support/server.ts";
import { until } from "../support/story.ts";

/** Lets a test see where sound goes. */
const SINKS = `{
  const { setSinkId } = HTMLMediaElement.prototype;
  const players = new Set();
  globalThis.sinks = () => Array.from(players, ({ sinkId }) => sinkId);
  HTMLMediaElement.prototype.setSinkId = function (id) {
    players.add(this);
    return setSinkId.call(this, id);
  };
}`;

inBrowser("two people meet on the page, see who is there, and hear when somebody leaves", async () => {
  await using server = await startServer();
  await good(
    await server.request("POST", "/agents", {
      key: ADMIN_KEY,
      body: { id: "scout", name: "Otto", model: { provider: "offline" } },
    }),
  );
  const agents = [{ agent_id: "assistant", name: "Nova" }, { agent_id: "scout" }];
  const room = await good<{ id: string }>(
    await server.request("POST", "/rtc/rooms", { body: { name: "Morning", agents } }),
  );
  const { secret } = await good<{ secret: string }>(
    await server.request("POST", "/rtc/secrets", { body: { room_id: room.id } }),
  );
  await using browser = await startBrowser(BROWSER!, { flags: DEVICES });
  const { page: ana, notes } = await browser.newPage();
  await ana.addInitScript(SINKS);
  await ana.goto(`${server.url}/call?room=${room.id}`);
  await ana.getByLabel("Key").fill(USER_KEY);
  await ana.getByRole("heading", { name: "Join Morning" }).waitFor();
  assert.equal(await ana.locator("#agent").isVisible(), false);
  await ana.getByLabel("Your name").fill("Ana");
  await ana.getByRole("button", { name: "Join", exact: true }).click();
  await ana.locator('#state[data-state="connected"]').waitFor();
  await ana.locator("#people").getByText("Ana (you)").waitFor();

  const { page: ben } = await browser.newPage();
  await ben.goto(`${server.url}/call?room=${room.id}#secret=${secret}`);
  await ben.getByRole("heading", { name: "Join Morning" }).waitFor();
  assert.equal(await ben.locator("#key").isVisible(), false);
  await ben.getByLabel("Your name").fill("Ben");
  await ben.getByRole("button", { name: "Join", exact: true }).click();
  await ben.locator('#state[data-state="connected"]').waitFor();
  await ana.locator("#transcript").getByText("Ben has joined.").waitFor();
  assert.deepEqual(await ben.locator("#people li").allTextContents(), ["Nova agent", "Otto agent", "Ana", "Ben (you)"]);
  assert.equal(await ben.getByRole("button", { name: "Copy an invitation" }).count(), 0);
  assert.equal(await ana.getByRole("button", { name: "Copy an invitation" }).count(), 1);

  // Everybody is heard where the person wants to hear.
  await ana.getByRole("button", { name: "Devices" }).click();
  const [speaker = ""] = await ana.getByLabel("Speaker").selectOption({ label: "Fake Audio Output 2" });
  const sinks = async () => await ana.evaluate<string[]>("sinks()");
  const isMoved = (all: readonly string[]) => all.length >= 2 && all.every((one) => one === speaker);
  await until("the agents and Ben are heard there", async () => speaker !== "" && isMoved(await sinks()));
  await ana.keyboard.press("Escape");

  await ben.getByRole("button", { name: "Camera" }).click();
  const tile = ana.locator("#tiles figure:not([hidden])");
  await tile.getByText("Ben").waitFor();
  const playing = () =>
    tile.locator("video").evaluate((video) => (video as unknown as { videoWidth: number }).videoWidth > 0);
  await until("the picture plays", playing, { every_ms: 100 });
  await ben.getByRole("button", { name: "Camera" }).click();
  await tile.waitFor({ state: "detached" });

  await ana.getByPlaceholder("Write instead").fill("Otto, are you there?");
  await ana.getByRole("button", { name: "Send" }).click();
  await ben.locator("#transcript").getByText("Otto, are you there?").waitFor();
  // Who asked reads the agent's name as everybody else does.
  for (const page of [ana, ben]) await page.locator("#transcript > .agent > b", { hasText: "Otto" }).first().waitFor();
  await ben.getByRole("button", { name: "Hang up" }).click();
  await ana.locator("#transcript").getByText("Ben has left.").waitFor();
  assert.deepEqual(await ana.locator("#people li").allTextContents(), ["Nova agent", "Otto agent", "Ana (you)"]);
  assert.equal((await server.request("DELETE", `/rtc/rooms/${room.id}`)).status, 204);
  await ana.locator("#over-text", { hasText: "The room has ended." }).waitFor();
  assert.deepEqual(notes.complaints, []);
});

inBrowser("a room is made on the page, its link lets others in, and after its end another can be made", async () => {
  await using server = await startServer();
  await using browser = await startBrowser(BROWSER!, { flags: DEVICES });
  const { page: ana, notes } = await browser.newPage({ viewport: { width: 390, height: 844 } });
  await ana.goto(`${server.url}/call`);
  await ana.getByLabel("Key").fill(USER_KEY);
  await ana.locator("#start:enabled").waitFor();
  await ana.getByLabel("In a room").press("Space");
  await ana.getByLabel("Name of the room").fill("Lunch");
  await ana.getByRole("button", { name: "Make the room" }).click();
  await ana.getByRole("heading", { name: "Join Lunch" }).waitFor();
  let link = "";
  await until("there is an invitation", async () => (link = await ana.getByLabel("Invitation").inputValue()) !== "");
  const { data: [room] } = await good<{ data: { id: string; members: { name: string }[] }[] }>(
    await server.request("GET", "/rtc/rooms"),
  );
  assert.equal(new URL(ana.url()).search, `?room=${room!.id}`, "who loads the page again is still there");
  assert.deepEqual(room!.members.map(({ name }) => name), [await ana.locator("#agent option").first().textContent()]);
  await ana.getByLabel("Your name").fill("Ana");
  await ana.getByRole("button", { name: "Join", exact: true }).click();
  await ana.locator('#state[data-state="connected"]').waitFor();

  const { page: ben } = await browser.newPage();
  await ben.goto(link);
  await ben.locator("#lead", { hasText: "In it now: Assistant, Ana." }).waitFor();
  await ben.getByLabel("Your name").fill("Ben");
  await ben.getByRole("button", { name: "Join", exact: true }).click();
  await ben.locator('#state[data-state="connected"]').waitFor();

  assert.equal((await server.request("DELETE", `/rtc/rooms/${room!.id}`)).status, 204);
  await ben.locator("#over-text", { hasText: "The room has ended. For another one, ask whoever invited you." })
    .waitFor();
  assert.ok(await ben.locator("#again").isHidden());
  await ana.getByRole("button", { name: "Make a new room" }).click();
  await ana.getByRole("heading", { name: "Meet in a room" }).waitFor();
  assert.equal(await ana.getByLabel("Name of the room").inputValue(), "Lunch");
  // An old link says so before anybody joins.
  await ana.goto(`${server.url}/call?room=${room!.id}`);
  await ana.getByRole("alert").filter({ hasText: "The room has ended." }).waitFor();
  await ana.getByRole("button", { name: "Make a new room" }).click();
  await ana.getByRole("button", { name: "Make the room" }).waitFor();
  assert.deepEqual(notes.complaints, []);
});
