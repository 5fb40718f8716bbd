/**
 * What tests wait for and never comes is told of; what comes leaves nothing behind.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { serveRtcPage } from "../support/rtc_page.ts";
import { Waiting, within } from "../support/waiting.ts";

const patience_ms = 20;
const never = new Promise<never>(() => {});

Deno.test("what never comes is told of, with where it was waited for and what there is instead", async () => {
  const failed = within("a letter", never, { seen: () => ["a bill"], patience_ms });
  await assert.rejects(failed, ({ message, cause }: Error & { cause: Error }) => {
    assert.equal(message, 'Waited in vain for a letter. Seen: ["a bill"]');
    assert.match(cause.stack!, /waiting_test/);
    return true;
  });
  await assert.rejects(within("a letter", never, { patience_ms }), { message: "Waited in vain for a letter" });
});

Deno.test("what comes, or fails, passes, and no timer is left", async () => {
  assert.equal(await within("a letter", Promise.resolve("Dear")), "Dear");
  await assert.rejects(within("a letter", Promise.reject(new Error("Burnt"))), { message: "Burnt" });
});

Deno.test("who waits looks again at everything that is told, until something is found", async () => {
  const waiting = new Waiting();
  const letters: string[] = [];
  let looks = 0;
  const found = waiting.until("a letter from Ana", () => {
    looks++;
    return letters.find((name) => name === "Ana");
  });
  for (const name of ["Ben", "Ana", "Cy"]) {
    letters.push(name);
    waiting.told();
  }
  assert.equal(await found, "Ana");
  const before = looks;
  waiting.told();
  assert.equal(looks, before, "who has found something looks no more");
  const ended = waiting.until("a letter from Dan", () => {
    if (letters.length > 3) throw new Error("The post office is closed");
  });
  letters.push("Eve");
  waiting.told();
  await assert.rejects(ended, { message: "The post office is closed" });
  const seen = () => letters.join(", ");
  await assert.rejects(waiting.until("a letter from Dan", () => false, { seen, patience_ms }), {
    message: "Waited in vain for a letter from Dan. Seen: Ben, Ana, Cy, Eve",
  });
});

Deno.test("who waits for a page whose browser has ended is told so, and so is who asks later", async () => {
  await using site = serveRtcPage();
  const waited = site.evaluate(() => "done");
  site.end("Firefox has ended (1)");
  await assert.rejects(waited, { message: "Firefox has ended (1)" });
  await assert.rejects(site.evaluate(() => "done"), { message: "Firefox has ended (1)" });
});
