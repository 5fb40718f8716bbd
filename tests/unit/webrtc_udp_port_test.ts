import { strict as assert } from "node:assert";
import * as werift from "werift";
import { hasProgram } from "../support/parts.ts";
import { noCounts, UdpSocket } from "../../src/adapters/webrtc/udp_port.ts";
import { measureQueue, WANTED_BYTES, WANTED_QUEUE, widenQueue } from "../../src/adapters/webrtc/udp_queue.ts";

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

Deno.test({
  name: "the queue of a port is as wide as the system lets it be",
  ignore: Deno.build.os !== "linux" || !hasProgram("ss"),
  async fn() {
    const socket = await UdpSocket.bind(["127.0.0.1", 0], { werift, counts: noCounts() });
    const [bound] = await queuesAt(socket.local[1]);
    await socket.close();
    const [most = 0, usual = 0] = await Promise.all(["rmem_max", "rmem_default"].map(async (name) => {
      return Number(await Deno.readTextFile(`/proc/sys/net/core/${name}`));
    }));
    const allowed = Math.max(usual, 2 * Math.min(most, WANTED_BYTES));
    assert.equal(await measureQueue(), allowed);
    // Whoever may administrate the network isn't held to the most that others may ask for.
    assert.ok([allowed, WANTED_QUEUE].includes(bound!), `${bound}, of ${allowed}`);
    assert.equal(widenQueue(socket.local[1]), undefined, "nobody is there");
  },
});

/** What the system's own program says of the queues at a UDP port of ours, in bytes. */
async function queuesAt(port: number): Promise<number[]> {
  const args = ["--udp", "--all", "--numeric", "--memory", `sport = :${port}`];
  const { stdout } = await new Deno.Command("ss", { args }).output();
  return [...new TextDecoder().decode(stdout).matchAll(/,rb(\d+),/g)].map(([, bytes]) => Number(bytes));
}
