/**
 * Our own connections, which send back the sound they get. `POST /` takes an offer and gives the answer. As a program it
 * prints its address.
 *
 * @module
 */
import { makeEcho, openPeers } from "../../support/webrtc_peers.ts";

// What is too late to be heard is dropped by calls, but counted as carried here, as by the baseline.
const peers = await openPeers({ stale_audio_ms: 60_000 });
const over = Promise.withResolvers<void>();
Deno.addSignalListener("SIGTERM", over.resolve);
const server = Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => Deno.stdout.writeSync(new TextEncoder().encode(`http://127.0.0.1:${port}\n`)),
}, async (request) => {
  const made = makeEcho(peers);
  // What was heard is nobody's to keep.
  const { media } = made.heard;
  media.push = () => 0;
  return new Response(await made.peer.answer(await request.text()));
});
await over.promise;
await server.shutdown();
await peers[Symbol.asyncDispose]();
