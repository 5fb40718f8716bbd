/** ICE's checks, as werift sends them and as they are mended: how long an end may be slow. */
import assert from "node:assert/strict";
import type { Connection } from "../../src/adapters/webrtc/insides.ts";
import { mendChecks } from "../../src/adapters/webrtc/werift_mends.ts";
import { until } from "../support/story.ts";
import { connectPair } from "../support/werift_pair.ts";

/** `CandidatePairState.FAILED`. */
const FAILED = 4;

/** Lets a connection hear each request only once it was sent so often. */
function deafen({ protocols }: Connection, often: number): void {
  const asked = new Map<string, number>();
  for (const { onRequestReceived } of protocols) {
    const hear = onRequestReceived.execute.bind(onRequestReceived);
    onRequestReceived.execute = (message, ...from) => {
      const id = message.transactionId.toString("hex");
      asked.set(id, (asked.get(id) ?? 0) + 1);
      if (asked.get(id)! > often) hear(message, ...from);
    };
  }
}

for (const how of ["mended", "raw"]) {
  Deno.test(`G13: an end that is slow for two seconds is reached (${how})`, async () => {
    await using pair = await connectPair({
      lite: true,
      connect: false,
      prepare: ({ ice }) => how === "mended" && mendChecks(ice.connection),
    });
    const { client, server } = pair;
    deafen(server.ice.connection, 5);
    const pairs = () => client.ice.connection.checkList as unknown as { state: number }[];
    const isGivenUp = () => pairs().length > 0 && pairs().every(({ state }) => state === FAILED);
    await until("the client has decided", () => client.dtls.state === "connected" || isGivenUp());
    assert.equal(client.dtls.state, how === "mended" ? "connected" : "new");
  });
}
