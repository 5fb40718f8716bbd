/**
 * The page `/call` shows that somebody watches, for as long as somebody does; and reads out what can't be heard.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { DEVICES, startBrowser } from "../support/browser.ts";
import { openCallDesk } from "../support/call_desk.ts";
import { BROWSER, good, inBrowser } from "../support/calls.ts";
import { startServer, USER_KEY } from "../support/server.ts";
import { sampleOffer, VOICE } from "../support/whip_offer.ts";

inBrowser("who is in a call sees who watches it, from the first to the last", async () => {
  await using server = await startServer();
  await using browser = await startBrowser(BROWSER!, { flags: DEVICES });
  const { page, notes } = await browser.newPage();
  await page.goto(`${server.url}/call`);
  await page.getByLabel("Key").fill(USER_KEY);
  await page.locator("#start:enabled").click();
  await page.locator('#state[data-state="connected"]').waitFor();
  const mark = page.locator("#watched");
  assert.ok(await mark.isHidden());
  const { data: [call] } = await good<{ data: { id: string }[] }>(await server.request("GET", "/rtc/sessions"));
  const watch = async () => {
    const response = await server.request("POST", `/rtc/whep/${call!.id}`, {
      body: sampleOffer([{ ...VOICE, direction: "recvonly" }]),
      headers: { "content-type": "application/sdp" },
    });
    assert.equal(response.status, 201, await response.text());
    return response.headers.get("location")!.split("/").at(-1)!;
  };
  const viewers = [await watch(), await watch()];
  await mark.filter({ hasText: "2 people are watching" }).waitFor();
  await page.locator("#transcript").getByText("Somebody watches and hears this call.").first().waitFor();
  await server.request("DELETE", `/rtc/sessions/${viewers[0]}`);
  await mark.filter({ hasText: "Somebody is watching" }).waitFor();
  await server.request("DELETE", `/rtc/sessions/${viewers[1]}`);
  await mark.waitFor({ state: "hidden" });
  await page.locator("#transcript").getByText("Nobody watches this call any more.").waitFor();
  await watch();
  await mark.waitFor();
  await page.getByRole("button", { name: "Hang up" }).click();
  await mark.waitFor({ state: "hidden" });
  assert.deepEqual(notes.complaints, []);
});

inBrowser(
  "a screen reader is given what isn't heard, and everything where captions are on; nothing moves",
  async () => {
    await using desk = await openCallDesk();
    await using browser = await startBrowser(BROWSER!, { flags: DEVICES });
    const { page } = await browser.newPage({ reducedMotion: "reduce" });
    await page.goto(`${desk.url}/call`);
    await page.getByLabel("Key").fill(USER_KEY);
    await page.locator("#start:enabled").click();
    await page.locator('#state[data-state="connected"]').waitFor();
    const read = page.getByRole("log", { name: "Announcements" }).locator("p");
    const say = (text: string, aloud: boolean) =>
      desk.tell({ type: "agent.speaking", data: { turn_id: text, run_id: null, text, aloud } });
    const [agent] = await page.locator("#call-title").allTextContents();
    say("This is heard.", true);
    say("This is not.", false);
    await read.filter({ hasText: "This is not." }).waitFor();
    assert.deepEqual(await read.allTextContents(), [`${agent}: This is not.`]);
    await page.getByRole("button", { name: "Captions" }).click();
    say("This is heard and read.", true);
    await read.filter({ hasText: "This is heard and read." }).waitFor();
    await page.locator("#transcript b", { hasText: agent! }).first().waitFor();
    desk.tell({ type: "speech.stopped", data: { turn_id: "9", at_ms: 1 } });
    await page.locator('#orb[data-mood="thinking"]').waitFor();
    const moving = "document.getAnimations().filter(({ playState }) => playState === 'running').length";
    assert.equal(await page.evaluate(moving), 0);
  },
);
