/**
 * The page `/call` shows that a call is recorded, for as long as it is, and plays what was recorded.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { DEVICES, startBrowser } from "../support/browser.ts";
import { openCallDesk } from "../support/call_desk.ts";
import { BROWSER, good, inBrowser } from "../support/calls.ts";
import { startServer, USER_KEY } from "../support/server.ts";

/** What plays, and whether it could be heard: by the sound that was decoded. */
const PLAYED = `[...document.querySelectorAll("#player video, #player audio")]
  .map(({ currentTime, webkitAudioDecodedByteCount }) => currentTime > 0.5 && webkitAudioDecodedByteCount > 500)`;

inBrowser("a red mark says that a call is recorded, and why no more", async () => {
  await using desk = await openCallDesk();
  await using browser = await startBrowser(BROWSER!, { flags: DEVICES });
  const { page, notes } = await browser.newPage({ permissions: ["microphone", "camera"] });
  await page.goto(`${desk.url}/call`);
  await page.getByLabel("Key").fill(USER_KEY);
  await page.locator("#start:enabled").waitFor();
  await page.getByRole("button", { name: "Start the call" }).click();
  await page.locator('#state[data-state="connected"]').waitFor();
  const mark = page.locator("#recording");
  const said = page.locator("#transcript");
  assert.ok(await mark.isHidden());
  const recording_id = "rec_0000000000001";
  desk.tell({ type: "recording.started", data: { recording_id } });
  await mark.waitFor();
  assert.equal(await mark.textContent(), "Recording");
  const color = await page.evaluate<string>('getComputedStyle(document.querySelector("#recording")).color');
  const [red = 0, green = 0, blue = 0] = color.match(/\d+/g)!.map(Number);
  assert.ok(red > green + 60 && red > blue + 60, color);
  await said.getByText("This call is being recorded.").waitFor();
  desk.tell({ type: "recording.stopped", data: { recording_id, reason: "disk_full" } });
  await mark.waitFor({ state: "hidden" });
  await said.getByText("The recording has stopped: the server’s disk is full.").waitFor();
  assert.equal(await said.getByText("This call is being recorded.").count(), 0);
  // Another one begins; the end of the call ends the mark, and nothing says that it goes on.
  desk.tell({ type: "recording.started", data: { recording_id: "rec_0000000000002" } });
  await mark.waitFor();
  await page.getByRole("button", { name: "Hang up" }).click();
  await mark.waitFor({ state: "hidden" });
  assert.equal(await said.getByText("This call is being recorded.").count(), 0);
  assert.equal(await said.locator("li").last().textContent(), "From here the call was recorded.");
  await page.locator("#recorded-text", { hasText: "The call was recorded." }).waitFor();
  assert.ok(await page.getByRole("button", { name: "Record the call" }).isHidden());
  assert.deepEqual(notes.complaints, []);
});

inBrowser("who has a key records a room and plays all its voices afterwards; a guest is told, no more", async () => {
  await using server = await startServer();
  const room = await good<{ id: string }>(
    await server.request("POST", "/rtc/rooms", { body: { name: "Morning" } }),
  );
  const { secret } = await good<{ secret: string }>(
    await server.request("POST", "/rtc/secrets", { body: { room_id: room.id } }),
  );
  await using browser = await startBrowser(BROWSER!, { flags: DEVICES });
  const join = async (name: string, hash: string) => {
    const { page, notes } = await browser.newPage();
    await page.goto(`${server.url}/call?room=${room.id}${hash}`);
    if (hash === "") await page.getByLabel("Key").fill(USER_KEY);
    await page.getByLabel("Your name").fill(name);
    await page.locator("#start:enabled").click();
    await page.locator('#state[data-state="connected"]').waitFor();
    return { page, notes };
  };
  const { page: ana, notes } = await join("Ana", "");
  const { page: ben } = await join("Ben", `#secret=${secret}`);
  await ana.getByRole("button", { name: "Record the room" }).click();
  for (const page of [ana, ben]) await page.locator("#recording").waitFor();
  assert.ok(await ben.locator("#record").isHidden());
  await ana.waitForTimeout(2000);
  await ben.getByRole("button", { name: "Hang up" }).click();
  await ben.locator("#recorded").waitFor();
  assert.equal(await ben.getByRole("button", { name: "Play the recording" }).count(), 0);
  await ana.getByRole("button", { name: "Stop recording" }).click();
  await ana.getByRole("button", { name: "Record the room" }).waitFor();
  await ana.getByRole("button", { name: "Hang up" }).click();
  await ana.getByRole("button", { name: "Play the recording" }).click();
  const heard = async () => (await ana.evaluate<boolean[]>(PLAYED)).filter(Boolean).length;
  while (await heard() < 2) await ana.waitForTimeout(100);
  assert.match(await ana.locator("#recorded-text").textContent() ?? "", /^Recorded: (Ana, Ben|Ben, Ana)$/);
  const [file] = await Promise.all([
    ana.waitForEvent("download"),
    ana.getByRole("button", { name: "Download" }).click(),
  ]);
  assert.match(file.suggestedFilename(), /^rec_\w+\.webm$/);
  assert.deepEqual(notes.complaints, []);
});

inBrowser("where calls may not be recorded nothing on the page offers it", async () => {
  await using server = await startServer({ settings: { rtc: { recording: { allowed: false } } } });
  await using browser = await startBrowser(BROWSER!, { flags: DEVICES });
  const { page } = await browser.newPage();
  await page.goto(`${server.url}/call`);
  await page.getByLabel("Key").fill(USER_KEY);
  await page.locator("#start:enabled").click();
  await page.locator('#state[data-state="connected"]').waitFor();
  assert.ok(await page.locator("#record").isHidden());
});
