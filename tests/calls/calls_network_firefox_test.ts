/**
 * Firefox calls, from another machine, since it calls no loopback address.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { firefoxOn, onNetworks, SERVER, twoMachines } from "../support/network_calls.ts";
import type { RtcPage } from "../support/rtc_page.ts";
import { askAloud, interruptAloud } from "../support/voice_story.ts";
import { makeEcho, openPeers } from "../support/webrtc_peers.ts";

declare const rtc: RtcPage;

for (
  const { name, options, path } of [
    { name: "over UDP", options: {}, path: "udp host" },
    { name: "over UDP with full ICE", options: { lite: false }, path: "udp host" },
    { name: "over TCP alone", options: { udp: false }, path: "tcp host" },
  ]
) {
  onNetworks(`Firefox calls ${name}: words and sound come back`, async (stack) => {
    const machines = await twoMachines(stack);
    using _ = machines.server.enter();
    const peers = stack.use(await openPeers({ host: SERVER, ...options }));
    const { peer, heard } = makeEcho(peers);
    const page = await firefoxOn(stack, machines.caller);
    const offer = await page.evaluate(() => rtc.open({ channel: "muxi", microphone: true }));
    await page.evaluate((answer) => rtc.accept(answer), await peer.answer(offer));
    await page.evaluate(() => rtc.connected());
    await page.evaluate(() => rtc.channelOpen());
    for (const word of ["one", "two"]) {
      assert.equal(await page.evaluate((word) => rtc.ask(word), word), `echo:${word}`);
    }
    const from = heard.media.length;
    await heard.until(() => heard.media.length > from + 20);
    assert.equal(peer.stats().path, path);
  });
}

for (
  const [name, story] of [
    ["a question is asked aloud, a tool is called, and the answer is heard", askAloud],
    ["who speaks into an answer interrupts it, and history keeps what was heard", interruptAloud],
  ] as const
) {
  onNetworks(`in Firefox ${name}`, async (stack) => {
    const machines = await twoMachines(stack);
    using _ = machines.server.enter();
    await story(stack, {
      settings: { rtc: { host: SERVER } },
      open: (stack, sound) => firefoxOn(stack, machines.caller, { sound }),
    });
  });
}
