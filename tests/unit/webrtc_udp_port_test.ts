import { strict as assert } from "node:assert";
import * as werift from "werift";
import { until } from "../support/story.ts";
import { hasProgram } from "../support/parts.ts";
import { noCounts, UdpSocket } from "../../src/adapters/webrtc/udp_port.ts";
import { QueueProbe } from "../../src/adapters/webrtc/queue_probe.ts";
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

Deno.test("a port tells how long what comes to it waits until it is read", async () => {
  const socket = await UdpSocket.bind(["127.0.0.1", 0], { werift, counts: noCounts() });
  const looked = async () => {
    const found = socket.lateness();
    await new Promise((resolve) => setTimeout(resolve, 20));
    return found;
  };
  for (let look = 0; look < 5; look++) await looked();
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.lateness();
  // Nothing is read while this program stands still.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  setTimeout(resolve, 0);
  assert.ok(socket.lateness() >= 300);
  await promise;
  await until("the port is on time again", async () => await looked() < 100);
  await socket.close();
});

Deno.test("where a port can't hear itself, nothing is late", () => {
  let sent = 0;
  const probe = new QueueProbe(() => void sent++);
  for (let look = 0; look < 10; look++) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600);
    assert.equal(probe.look(), 0);
  }
  assert.equal(sent, 3, "it is tried no more");
  assert.equal(probe.take(new Uint8Array(17).fill(255)), false, "nobody else's counts");
});

Deno.test("where nothing comes any more nothing waits, and where others are heard it does", () => {
  let sent: Uint8Array = new Uint8Array();
  const probe = new QueueProbe((datagram) => void (sent = datagram));
  const pass = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1100);
  probe.look();
  assert.ok(probe.take(sent));
  probe.look();
  probe.take(new Uint8Array(20));
  pass();
  assert.ok(probe.look() >= 1000, "lost at the end of a full queue");
  pass();
  assert.equal(probe.look(), 0, "the address is gone");
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
