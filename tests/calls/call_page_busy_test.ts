/**
 * The page `/call` waits for a server that is full, as long as the server says, and tells so.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { DEVICES, startBrowser } from "../support/browser.ts";
import { BROWSER, good, inBrowser } from "../support/calls.ts";
import { startServer, USER_KEY } from "../support/server.ts";

inBrowser("a full server is tried again when it says so, unless the person gives up", async () => {
  await using server = await startServer({ settings: { rtc: { max_calls: 1 } } });
  const { id } = await good<{ id: string }>(await server.request("POST", "/rtc/sessions", { body: {} }));
  await using browser = await startBrowser(BROWSER!, { flags: DEVICES });
  const { page } = await browser.newPage();
  await page.goto(`${server.url}/call`);
  await page.getByLabel("Key").fill(USER_KEY);
  const start = page.locator("#start:enabled");
  await start.click();
  await page.locator("#retry", { hasText: "the server has all of 1. Trying again in 5 seconds." }).waitFor();
  assert.equal(await page.evaluate("document.activeElement.id"), "retry-cancel", "the focus is where it is of use");
  await page.locator("#retry-left", { hasText: /^[1-4]$/ }).waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.locator("#retry").waitFor({ state: "hidden" });
  await page.getByRole("alert").filter({ hasText: "the server has all of 1" }).waitFor();
  await start.click();
  await page.locator("#retry").waitFor();
  assert.equal((await server.request("DELETE", `/rtc/sessions/${id}`)).status, 204);
  await page.locator('#state[data-state="connected"]').waitFor();
  await page.getByRole("button", { name: "Hang up" }).click();
  await page.getByRole("button", { name: "Call again" }).click();
  assert.ok(await page.locator("#retry").isHidden());
});
