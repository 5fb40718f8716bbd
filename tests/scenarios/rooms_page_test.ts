/**
 * Two people meet in a room on the page `/call`: one with a key, one by an invitation.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { DEVICES, startBrowser } from "../support/browser.ts";
import { BROWSER, good, inBrowser } from "../support/calls.ts";
import { startServer, USER_KEY } from "../support/server.ts";

inBrowser("two people meet on the page, see who is there, and hear when somebody leaves", async () => {
  await using server = await startServer();
  const room = await good<{ id: string }>(
    await server.request("POST", "/rtc/rooms", {
      body: { name: "Morning", agents: [{ agent_id: "assistant", name: "Nova" }] },
    }),
  );
  const { secret } = await good<{ secret: string }>(
    await server.request("POST", "/rtc/secrets", { body: { room_id: room.id } }),
  );
  await using browser = await startBrowser(BROWSER!, { flags: DEVICES });
  const { page: ana, notes } = await browser.newPage();
  await ana.goto(`${server.url}/call?room=${room.id}`);
  await ana.getByLabel("Key").fill(USER_KEY);
  await ana.getByRole("heading", { name: "Join Morning" }).waitFor();
  assert.equal(await ana.locator("#agent").isVisible(), false);
  await ana.getByLabel("Your name").fill("Ana");
  await ana.getByRole("button", { name: "Join", exact: true }).click();
  await ana.locator('#state[data-state="connected"]').waitFor();
  await ana.getByText("Ana (you)").waitFor();

  const { page: ben } = await browser.newPage();
  await ben.goto(`${server.url}/call?room=${room.id}#secret=${secret}`);
  await ben.getByRole("heading", { name: "Join Morning" }).waitFor();
  assert.equal(await ben.locator("#key").isVisible(), false);
  await ben.getByLabel("Your name").fill("Ben");
  await ben.getByRole("button", { name: "Join", exact: true }).click();
  await ben.locator('#state[data-state="connected"]').waitFor();
  await ana.getByText("Ben has joined.").waitFor();
  assert.deepEqual(await ben.locator("#people li").allTextContents(), ["Nova agent", "Ana", "Ben (you)"]);
  assert.equal(await ben.getByRole("button", { name: "Copy an invitation" }).count(), 0);
  assert.equal(await ana.getByRole("button", { name: "Copy an invitation" }).count(), 1);

  await ben.getByRole("button", { name: "Camera" }).click();
  const tile = ana.locator("#tiles figure:not([hidden])");
  await tile.getByText("Ben").waitFor();
  const playing = () =>
    tile.locator("video").evaluate((video) => (video as unknown as { videoWidth: number }).videoWidth > 0);
  while (!await playing()) await ana.waitForTimeout(100);
  await ben.getByRole("button", { name: "Camera" }).click();
  await tile.waitFor({ state: "detached" });

  await ana.getByPlaceholder("Write instead").fill("Nova, are you there?");
  await ana.getByRole("button", { name: "Send" }).click();
  await ben.locator("#transcript").getByText("Nova, are you there?").waitFor();
  await ben.getByRole("button", { name: "Hang up" }).click();
  await ana.getByText("Ben has left.").waitFor();
  assert.deepEqual(await ana.locator("#people li").allTextContents(), ["Nova agent", "Ana (you)"]);
  assert.equal((await server.request("DELETE", `/rtc/rooms/${room.id}`)).status, 204);
  await ana.getByText("The room has ended.").waitFor();
  assert.deepEqual(notes.complaints, []);
});
