/** Which way an agent of ICE-lite goes when the other end nominates several. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import dgram from "node:dgram";
import net from "node:net";
import * as werift from "werift";
import { until } from "../support/story.ts";
import { MovingClock } from "../support/moving_clock.ts";
import { makePeer, openPeers } from "../support/webrtc_peers.ts";

/** What the other end thinks of a way, as Firefox does. */
const PRIORITY = { udp: 110 << 24, tcp: 90 << 24 };

/** A peer that has answered, and somebody who checks ways to it. */
async function openNominated(stack: AsyncDisposableStack) {
  const clock = new MovingClock();
  const [servers, clients] = [stack.use(await openPeers({ clock })), stack.use(await openPeers({ lite: false }))];
  const { peer } = makePeer(servers);
  await peer.answer(await makePeer(clients).peer.offer());
  const { ufrag, pwd } = peer.ice.local!;
  const { port } = await servers.open();
  const udp = dgram.createSocket("udp4");
  stack.defer(() => void udp.close());
  let [answers, tcp]: [number, net.Socket | undefined] = [0, undefined];
  stack.defer(() => void tcp?.destroy());
  udp.on("message", () => answers++);
  return {
    clock,
    /** The way that the peer goes. */
    path: () => peer.stats().path,
    async check(way: "udp" | "tcp", { nominate }: { nominate: boolean }): Promise<void> {
      const before = answers;
      const request = new werift.Message(werift.methods.BINDING, werift.classes.REQUEST)
        .setAttribute("USERNAME", `${ufrag}:abcd`).setAttribute("PRIORITY", PRIORITY[way])
        .setAttribute("ICE-CONTROLLING", 1n);
      if (nominate) request.setAttribute("USE-CANDIDATE", null);
      const { bytes } = request.addMessageIntegrity(Buffer.from(pwd)).addFingerprint();
      // Who connects and says nothing is shown out.
      tcp ??= way === "udp" ? undefined : net.connect({ host: "127.0.0.1", port }).on("data", () => answers++);
      if (way === "udp") udp.send(bytes, port, "127.0.0.1");
      else tcp!.write(Buffer.concat([new Uint8Array([bytes.length >> 8, bytes.length & 0xff]), bytes]));
      await until("the check is answered", () => answers > before, { every_ms: 5 });
    },
  };
}

for (const order of [["udp", "tcp"], ["tcp", "udp"]] as const) {
  Deno.test(`who nominates all ways at once is answered over the best: ${order.join(", then ")}`, async () => {
    await using stack = new AsyncDisposableStack();
    const { check, path } = await openNominated(stack);
    for (const way of order) await check(way, { nominate: true });
    assert.equal(path(), "udp host");
  });
}

Deno.test("who nominates another way later is followed there and back, although it has less priority", async () => {
  await using stack = new AsyncDisposableStack();
  const { check, path, clock } = await openNominated(stack);
  await check("udp", { nominate: true });
  await clock.pass(5000);
  await check("tcp", { nominate: true });
  assert.equal(path(), "tcp host");
  await check("udp", { nominate: true });
  assert.equal(path(), "udp host");
});

Deno.test("who checks ways without nominating them is followed at once, wherever it goes", async () => {
  await using stack = new AsyncDisposableStack();
  const { check, path } = await openNominated(stack);
  await check("udp", { nominate: true });
  await check("tcp", { nominate: false });
  assert.equal(path(), "udp host");
  await check("tcp", { nominate: true });
  assert.equal(path(), "tcp host");
});
