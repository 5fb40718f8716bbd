import { strict as assert } from "node:assert";
import dgram from "node:dgram";
import { once } from "node:events";
import * as werift from "werift";
import { noCounts, UdpSocket } from "../../src/adapters/webrtc/udp_port.ts";

/** Fewer than the least queue of a system holds, and many more than fit into what one datagram is read into. */
const BURST = 100;

Deno.test("many datagrams that come at once wait until they are read", async () => {
  const counts = noCounts();
  const socket = await UdpSocket.bind(["127.0.0.1", 0], { werift, counts });
  const sender = dgram.createSocket("udp4");
  sender.connect(socket.local[1], "127.0.0.1");
  await once(sender, "connect");
  const sent = Array.from({ length: BURST }, () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    sender.send(new Uint8Array(200).fill(255), () => resolve());
    return promise;
  });
  await Promise.all(sent);
  const end = performance.now() + 5000;
  while (counts.unknown < BURST && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(counts.unknown, BURST);
  sender.close();
  await socket.close();
});
