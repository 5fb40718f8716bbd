/**
 * The page `/call` shows that a call is recorded, for as long as it is.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { DEVICES, findBrowser, startBrowser } from "../support/browser.ts";
import { openCallDesk } from "../support/call_desk.ts";
import { USER_KEY } from "../support/server.ts";

const executablePath = findBrowser();

Deno.test("a red mark says that a call is recorded, and why no more", { ignore: !executablePath }, async () => {
  await using desk = await openCallDesk();
  await using browser = await startBrowser(executablePath!, { flags: DEVICES });
  const { page, notes } = await browser.newPage({ permissions: ["microphone", "camera"] });
  await page.goto(`${desk.url}/call`);
  await page.getByLabel("Key").fill(USER_KEY);
  await page.locator("#start:enabled").waitFor();
  await page.getByRole("button", { name: "Start the call" }).click();
  await page.locator('#state[data-state="connected"]').waitFor();
  const mark = page.locator("#recording");
  assert.ok(await mark.isHidden());
  const recording_id = "rec_0000000000001";
  desk.tell({ type: "recording.started", data: { recording_id } });
  await mark.waitFor();
  assert.equal(await mark.textContent(), "Recording");
  const color = await page.evaluate<string>('getComputedStyle(document.querySelector("#recording")).color');
  const [red = 0, green = 0, blue = 0] = color.match(/\d+/g)!.map(Number);
  assert.ok(red > green + 60 && red > blue + 60, color);
  await page.getByText("This call is being recorded.").waitFor();
  desk.tell({ type: "recording.stopped", data: { recording_id, reason: "disk_full" } });
  await mark.waitFor({ state: "hidden" });
  await page.getByText("The recording has stopped: the server’s disk is full.").waitFor();
  // Another one begins; the end of the call ends the mark.
  desk.tell({ type: "recording.started", data: { recording_id: "rec_0000000000002" } });
  await mark.waitFor();
  await page.getByRole("button", { name: "Hang up" }).click();
  await mark.waitFor({ state: "hidden" });
  assert.deepEqual(notes.complaints, []);
});
