/**
 * Calls that are dropped at every stage, by either side: nothing of them is left.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { WebRtcPeers } from "../../src/adapters/webrtc/peers.ts";
import { good } from "../support/calls.ts";
import { ADMIN_KEY, startServer, type TestServer } from "../support/server.ts";
import { until } from "../support/story.ts";
import { type Heard, makePeer, openPeers } from "../support/webrtc_peers.ts";
import type { Peer } from "../../src/ports/peers.ts";

const TURNS = 12;

interface Client {
  peer: Peer;
  heard: Heard;
  id: string;
}

/** Offers; `accepted`: takes the answer as well. */
async function offer(server: TestServer, peers: WebRtcPeers, { accepted }: { accepted: boolean }): Promise<Client> {
  const { peer, heard } = makePeer(peers);
  peer.openChannel("muxi");
  const body = { sdp: await peer.offer() };
  const { session_id: id, sdp } = await good<{ session_id: string; sdp: string }>(
    await server.request("POST", "/rtc/offer", { body }),
  );
  if (accepted) await peer.accept(sdp);
  return { peer, heard, id };
}

async function connect(server: TestServer, peers: WebRtcPeers): Promise<Client> {
  const client = await offer(server, peers, { accepted: true });
  await client.heard.until(() => client.heard.messages.length > 0);
  return client;
}

const hangUp = (server: TestServer, id: string) => server.request("DELETE", `/rtc/sessions/${id}`).then(good);

/** What each stage of a call does before it is dropped. */
const STAGES: Record<string, (server: TestServer, peers: WebRtcPeers) => Promise<void>> = {
  async "begun, and ended"(server) {
    const { id } = await good<{ id: string }>(await server.request("POST", "/rtc/sessions", { body: {} }));
    await hangUp(server, id);
  },
  async "asked for an offer, and ended"(server) {
    const body = { request: true };
    const { session_id } = await good<{ session_id: string }>(await server.request("POST", "/rtc/offer", { body }));
    await hangUp(server, session_id);
  },
  async "offered, and gone"(server, peers) {
    const { peer, id } = await offer(server, peers, { accepted: false });
    await peer[Symbol.asyncDispose]();
    await hangUp(server, id);
  },
  async "ended while it connects"(server, peers) {
    const { peer, id } = await offer(server, peers, { accepted: true });
    await hangUp(server, id);
    await peer[Symbol.asyncDispose]();
  },
  async "connected, and hung up"(server, peers) {
    const { peer } = await connect(server, peers);
    await peer[Symbol.asyncDispose]();
  },
  async "connected, and ended"(server, peers) {
    const { peer, heard, id } = await connect(server, peers);
    await hangUp(server, id);
    await heard.until(() => heard.messages.some((text) => text.includes('"deleted"')));
    await peer[Symbol.asyncDispose]();
  },
  async "ended in the middle of an answer"(server, peers) {
    const { peer, heard, id } = await connect(server, peers);
    const channel = heard.channels.get("muxi")!;
    channel.send(JSON.stringify({ type: "text", text: "Who are you?" }));
    await heard.until(() => heard.messages.some((text) => text.includes('"run.started"')));
    await hangUp(server, id);
    await peer[Symbol.asyncDispose]();
  },
};

Deno.test("calls that are dropped at any stage leave nothing behind", async () => {
  await using server = await startServer();
  await using stack = new AsyncDisposableStack();
  // Two callers behind one port would be one to the server.
  const callers = await Promise.all(
    Object.values(STAGES).map(async (stage) => {
      return { stage, peers: stack.use(await openPeers({ lite: false })) };
    }),
  );
  for (let turn = 0; turn < TURNS; turn++) {
    await Promise.all(callers.map(({ stage, peers }) => stage(server, peers)));
  }
  const live = async () => {
    const states = ["created", "connecting", "active", "lost"];
    const pages = await Promise.all(states.map(async (state) => {
      const path = `/rtc/sessions?limit=100&state=${state}`;
      return (await good<{ data: unknown[] }>(await server.request("GET", path, { key: ADMIN_KEY }))).data;
    }));
    return pages.flat().length;
  };
  // Who hangs up is noticed by the last packet, a moment later.
  await until("no call is left", async () => await live() === 0, { every_ms: 50 });
  const { data } = await good<{ data: { state: string; reason: string }[] }>(
    await server.request("GET", "/rtc/sessions?limit=100"),
  );
  assert.ok(data.every(({ state }) => state === "ended"));
  assert.deepEqual(new Set(data.map(({ reason }) => reason)), new Set(["deleted", "hung_up"]));
  for (const { peers } of callers) {
    assert.deepEqual(peers.size, { peers: 0, names: 0, remotes: 0, expected: 0 });
  }
});
