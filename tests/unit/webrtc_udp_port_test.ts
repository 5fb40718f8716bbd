import { strict as assert } from "node:assert";
import * as werift from "werift";
import { noCounts, UdpSocket } from "../../src/adapters/webrtc/udp_port.ts";

/** Fewer than the least queue of a system holds, and many more than fit into what one datagram is read into. */
const BURST = 100;

/** A program that sends them. */
const SENDER = `
  import dgram from "node:dgram";
  const socket = dgram.createSocket("udp4");
  const [port, count] = Deno.args.map(Number);
  for (let i = 0; i < count; i++) {
    await new Promise((done) => socket.send(new Uint8Array(200).fill(255), port, "127.0.0.1", done));
  }
  socket.close();
`;

Deno.test("datagrams that come while nothing is read wait for their turn", async () => {
  const counts = noCounts();
  const socket = await UdpSocket.bind(["127.0.0.1", 0], { werift, counts });
  const args = ["eval", SENDER, String(socket.local[1]), String(BURST)];
  // Blocks this program until all are sent.
  assert.equal(new Deno.Command(Deno.execPath(), { args }).outputSync().code, 0);
  const end = performance.now() + 5000;
  while (counts.unknown < BURST && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(counts.unknown, BURST);
  await socket.close();
});
