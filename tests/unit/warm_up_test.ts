/**
 * The server makes ready for calls before there is one.
 *
 * @module
 */
import assert from "node:assert/strict";
import { insidesOf } from "../../src/adapters/webrtc/insides.ts";
import { startProgram } from "../support/program.ts";
import { startServer } from "../support/server.ts";
import { werift } from "../support/werift_pair.ts";

Deno.test("the program makes ready for calls without being asked", async () => {
  // Its port is taken, which is what it says when it tries, and not before.
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  await using program = await startProgram({ settings: { rtc: { port } } });
  await program.said('"message":"Cannot take calls"');
  assert.match(program.output(), new RegExp(`Cannot open port ${port} for calls`));
});

Deno.test("making ready is a call from end to end", async () => {
  await using server = await startServer({ settings: { rtc: { port: 0 } } });
  const { prototype } = werift.RTCPeerConnection;
  const { setRemoteDescription } = prototype;
  const states: string[] = [];
  prototype.setRemoteDescription = async function (description) {
    await setRemoteDescription.call(this, description);
    for (const { onStateChange } of insidesOf(this).dtls) onStateChange.subscribe((state) => void states.push(state));
  };
  try {
    await server.app.warmUp();
  } finally {
    prototype.setRemoteDescription = setRemoteDescription;
  }
  assert.ok(states.includes("connected"), `${states}`);
});
