/**
 * A process with a call, to which the caller sends what would end it. Arguments: what is sent, and `mended` or `raw`.
 * Says "alive" when the call still answers.
 *
 * @module
 */
import { mendSctp } from "../../src/adapters/webrtc/werift_mends.ts";
import { connectPair, sctpPacket, sendSctp } from "./werift_pair.ts";

const [attack, how] = Deno.args;
const events = { onDropped() {}, onAbuse() {}, onEnded() {} };
const pair = await connectPair({ mend: ({ sctp }) => how === "mended" && mendSctp(sctp, events) });
const { client } = pair;
const { sctp } = client.sctp as unknown as {
  sctp: { send(stream: number, protocol: number, data: Uint8Array): Promise<void> };
};
switch (attack) {
  case "zero_length":
    await sendSctp(client, sctpPacket(client, [11, 0, 0, 0]));
    break;
  case "zero_parameter":
    await sendSctp(client, sctpPacket(client, [4, 0, 0, 8, 0, 1, 0, 0]));
    break;
  case "checksum":
    await sendSctp(client, sctpPacket(client, [11, 0, 0, 4], { soundChecksum: false }));
    break;
  case "unknown_chunk":
    await sendSctp(client, sctpPacket(client, [200, 0, 0, 4]));
    break;
  case "unknown_protocol":
    await sctp.send(1, 99, (await import("node:buffer")).Buffer.from("?"));
    break;
  case "unknown_channel":
    await sctp.send(77, 50, (await import("node:buffer")).Buffer.from([2]));
    break;
}
Deno.stdout.writeSync(
  new TextEncoder().encode(
    await pair.echoes("still there", how === "mended" ? {} : { patience_ms: 2000 }) ? "alive" : "deaf",
  ),
);
await pair[Symbol.asyncDispose]();
Deno.exit(0);
