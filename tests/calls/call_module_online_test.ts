/**
 * A browser that has just started, or changed networks, finds that it is online while a call begins.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { inBrowser, openPage } from "../support/calls.ts";
import { startServer, USER_KEY } from "../support/server.ts";
import type { Json } from "../support/story.ts";

inBrowser("a call that begins while its browser finds that it is online goes on", async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startServer({ settings: { server: { cors: { origins: ["*"] } } } }));
  const { page } = await openPage(stack);
  const begun = await page.evaluate(async ({ url, key }) => {
    const scope = globalThis as Json;
    let count = 0;
    scope.RTCPeerConnection = class extends scope.RTCPeerConnection {
      constructor(...given: unknown[]) {
        super(...given);
        count++;
      }
      async setLocalDescription(...given: unknown[]) {
        await super.setLocalDescription(...given);
        if (count === 1) scope.dispatchEvent(new Event("online"));
      }
    };
    const { Call } = await import(`${url}/call/session_client.js`);
    const call = await Call.start({ base_url: url, key, audio: false });
    const { connection } = call;
    await call.hangUp();
    return [connection, count];
  }, { url: server.url, key: USER_KEY });
  assert.deepEqual(begun, ["connected", 1]);
});
