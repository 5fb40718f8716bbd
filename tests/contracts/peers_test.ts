import assert from "node:assert/strict";
import dgram from "node:dgram";
import { Buffer } from "node:buffer";
import type { WebRtcPeers } from "../../src/adapters/webrtc/peers.ts";
import type { MediaPacket, Peer } from "../../src/ports/peers.ts";
import { type Heard, keptLog, makeEcho, makePeer, openPeers } from "../support/webrtc_peers.ts";
import type { TcpProtocol } from "../../src/adapters/webrtc/insides.ts";
import { innerOf, rawConnection, rawOffer, werift } from "../support/werift_pair.ts";

/** One end. */
interface End {
  peer: Peer;
  heard: Heard;
}

/** Waits until both ends have a connection. */
async function bothConnected(...ends: End[]): Promise<void> {
  await Promise.all(ends.map(({ heard }) => heard.until(() => heard.states.includes("connected"))));
}

/** Connects a client to a server. */
async function connect(client: End, server: End): Promise<void> {
  await client.peer.accept(await server.peer.answer(await client.peer.offer()));
  await bothConnected(client, server);
}

/** Sends sound until the other end has heard `count` packets. */
async function speak({ peer }: End, listener: End, count = 5): Promise<MediaPacket[]> {
  const from = listener.heard.media.length;
  for (let n = 0; listener.heard.media.length < from + count; n++) {
    peer.sendAudio({ kind: "audio", payload: new Uint8Array([n, 1, 2, 3]), timestamp: n * 960, marker: n === 0 });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return listener.heard.media.slice(from);
}

/** Two sets of ports, each for one end. */
async function openBoth(
  stack: AsyncDisposableStack,
  { client = { lite: false }, server = {} }: {
    client?: Parameters<typeof openPeers>[0];
    server?: Parameters<typeof openPeers>[0];
  } = {},
): Promise<{ clients: WebRtcPeers; servers: WebRtcPeers }> {
  return { clients: stack.use(await openPeers(client)), servers: stack.use(await openPeers(server)) };
}

/** Nothing is remembered any more. */
function assertEmpty(...all: WebRtcPeers[]): void {
  for (const peers of all) assert.deepEqual(peers.size, { peers: 0, names: 0, remotes: 0, expected: 0 });
}

for (const { name, lite } of [{ name: "ICE-lite", lite: true }, { name: "full ICE", lite: false }]) {
  Deno.test(`Sound and words go both ways (${name})`, async () => {
    await using stack = new AsyncDisposableStack();
    const { clients, servers } = await openBoth(stack, { server: { lite } });
    const client = makePeer(clients);
    const server = makeEcho(servers);
    const channel = client.peer.openChannel("muxi");
    await connect(client, server);
    await client.heard.until(() => channel.send("ready") || false);
    await client.heard.until(() => client.heard.messages.length > 0);
    assert.deepEqual(client.heard.messages.slice(0, 1), ["echo:ready"]);
    const echoed = await speak(client, client);
    assert.deepEqual(echoed.map(({ payload }) => [...payload].slice(1)), echoed.map(() => [1, 2, 3]));
    assert.deepEqual(server.peer.tracks, [{ mid: "0", kind: "audio" }]);
    for (let n = 1; n < echoed.length; n++) {
      const [before, after] = [echoed[n - 1]!, echoed[n]!];
      assert.equal((after.sequence - before.sequence) & 0xffff, after.payload[0]! - before.payload[0]!);
      assert.equal(
        (after.timestamp - before.timestamp) >>> 0,
        960 * (after.payload[0]! - before.payload[0]!),
      );
    }
    const stats = server.peer.stats();
    assert.equal(stats.path, "udp host");
    assert.ok(stats.packets_received >= 5 && stats.packets_sent >= 5 && stats.bytes_sent > 0);
    assert.deepEqual([stats.packets_lost, stats.packets_stale], [0, 0]);
    await client.peer[Symbol.asyncDispose]();
    await server.heard.until(() => server.heard.states.includes("closed"));
    assert.deepEqual(server.heard.states, ["connecting", "connected", "closed"]);
    await server.peer[Symbol.asyncDispose]();
    assert.deepEqual(server.heard.closed, ["muxi"]);
    assertEmpty(clients, servers);
  });
}

Deno.test("The server may make the offer", async () => {
  await using stack = new AsyncDisposableStack();
  const { clients, servers } = await openBoth(stack);
  const client = makePeer(clients);
  const server = makeEcho(servers);
  server.peer.openChannel("muxi");
  await server.peer.accept(await client.peer.answer(await server.peer.offer()));
  await bothConnected(client, server);
  await client.heard.until(() => client.heard.channels.has("muxi"));
  client.heard.channels.get("muxi")!.send("hello");
  await client.heard.until(() => client.heard.messages.includes("echo:hello"));
  await speak(client, client);
});

Deno.test("Candidates may come one by one, before the offer and after it, with names that nobody knows", async () => {
  await using stack = new AsyncDisposableStack();
  const { clients, servers } = await openBoth(stack, { server: { lite: false } });
  const client = makePeer(clients);
  const server = makeEcho(servers);
  const offer = await client.peer.offer();
  const candidates = offer.match(/candidate:.*/g)!.filter((one) => one.includes(" udp "));
  const bare = offer.replace(/^a=candidate:.*\r\n/gm, "");
  await server.peer.addCandidate({ candidate: "candidate:1 1 udp 1 somewhere.local 9 typ host", sdp_mid: "0" });
  await server.peer.addCandidate({ candidate: "not a candidate", sdp_mid: "0" });
  await server.peer.addCandidate({ candidate: candidates[0]!, sdp_mid: "video0", sdp_m_line_index: 7 });
  const answer = await server.peer.answer(bare);
  await server.peer.addCandidate({ candidate: "", sdp_mid: "0" });
  await server.peer.addCandidate(null);
  await client.peer.accept(answer.replace(/^a=candidate:.*\r\n/gm, ""));
  for (const candidate of new Set(answer.match(/candidate:.*/g)!)) {
    await client.peer.addCandidate({ candidate, sdp_mid: "0" });
  }
  await bothConnected(client, server);
  await speak(client, client);
});

Deno.test("Sound is heard whose stream the description doesn't number", async () => {
  await using stack = new AsyncDisposableStack();
  const { clients, servers } = await openBoth(stack);
  const client = makePeer(clients);
  const server = makeEcho(servers);
  const offer = (await client.peer.offer()).replace(/^a=ssrc:.*\r\n/gm, "");
  await client.peer.accept(await server.peer.answer(offer));
  await bothConnected(client, server);
  await speak(client, client);
  assert.deepEqual(server.peer.tracks, [{ mid: "0", kind: "audio" }]);
});

Deno.test("Making ready for the first call leaves nothing behind, and ends with the server", async () => {
  await using stack = new AsyncDisposableStack();
  const hasty = await openPeers();
  const warming = hasty.warmUp();
  await hasty[Symbol.asyncDispose]();
  await warming;
  const { log, lines } = keptLog();
  const servers = stack.use(await openPeers({ log }));
  await servers.warmUp();
  const clients = stack.use(await openPeers({ lite: false }));
  await connect(makePeer(clients), makePeer(servers));
  assert.deepEqual(lines, []);
});

Deno.test("Sound goes over TCP where UDP doesn't", async () => {
  await using stack = new AsyncDisposableStack();
  const servers = stack.use(await openPeers({ udp: false }));
  const server = makeEcho(servers);
  const client = rawConnection({ iceUseTcp: true });
  stack.defer(() => client.close());
  const channel = await rawOffer(client);
  const opened = Promise.withResolvers<void>();
  channel.stateChanged.subscribe((state) => state === "open" && opened.resolve());
  const answer = await server.peer.answer(client.localDescription!.sdp);
  assert.deepEqual(answer.match(/^a=candidate:\S+ 1 udp/gm), null);
  await client.setRemoteDescription({ type: "answer", sdp: answer });
  await opened.promise;
  const echo = Promise.withResolvers<string | Buffer>();
  channel.onMessage.subscribe(echo.resolve);
  channel.send("over TCP");
  assert.equal(await echo.promise, "echo:over TCP");
  assert.equal(server.peer.stats().path, "tcp host");
  // Without its connection it is lost at once, but may come back.
  for (const protocol of innerOf(client).ice.connection.protocols as TcpProtocol[]) {
    for (const { socket } of protocol.sockets?.values() ?? []) socket.destroy();
  }
  await server.heard.until(() => server.heard.states.includes("lost"));
  await server.peer[Symbol.asyncDispose]();
  assertEmpty(servers);
});

Deno.test("A connection finds a new way: by an offer of either end, and by a fragment", async () => {
  await using stack = new AsyncDisposableStack();
  const { clients, servers } = await openBoth(stack);
  const client = makePeer(clients);
  const server = makeEcho(servers);
  client.peer.openChannel("muxi");
  await connect(client, server);
  await client.heard.until(() => client.heard.channels.has("muxi"));
  const works = async (word: string) => {
    assert.equal(client.heard.channels.get("muxi")!.send(word), true);
    await client.heard.until(() => client.heard.messages.includes(`echo:${word}`));
    await speak(client, client);
  };
  await works("before");
  const first = server.peer.ice;
  const answer = await server.peer.answer(await client.peer.offer({ restart: true }));
  await client.peer.accept(answer);
  await works("after the client's");
  const second = server.peer.ice;
  assert.notEqual(second.local!.ufrag, first.local!.ufrag);
  assert.notEqual(second.remote!.ufrag, first.remote!.ufrag);
  await server.peer.accept(await client.peer.answer(await server.peer.offer({ restart: true })));
  await works("after the server's");
  const offer = await client.peer.offer({ restart: true });
  const [, ufrag, pwd] = /a=ice-ufrag:(\S+)[^]*?a=ice-pwd:(\S+)/.exec(offer)!;
  const candidates = [...new Set(offer.match(/candidate:.*/g))];
  const fragment = await server.peer.restart({ ufrag: ufrag!, pwd: pwd!, candidates });
  assert.deepEqual(fragment, server.peer.ice.local);
  await client.peer.accept(
    answer.replace(/^a=ice-ufrag:.*$/gm, `a=ice-ufrag:${fragment.ufrag}`)
      .replace(/^a=ice-pwd:.*$/gm, `a=ice-pwd:${fragment.pwd}`),
  );
  await works("after the fragment's");
  assert.equal(server.heard.states.at(-1), "connected");
});

Deno.test("A restart by a fragment is refused when there is nothing to restart", async () => {
  await using stack = new AsyncDisposableStack();
  const servers = stack.use(await openPeers());
  const { peer } = makePeer(servers);
  const fragment = { ufrag: "abcd", pwd: "x".repeat(24), candidates: [] };
  await assert.rejects(peer.restart(fragment), { name: "ConflictError" });
});

Deno.test("Who isn't heard is lost, and found again when heard", async () => {
  await using stack = new AsyncDisposableStack();
  const { clients, servers } = await openBoth(stack, { server: { lost_ms: 400 } });
  const client = makePeer(clients);
  const server = makeEcho(servers);
  await connect(client, server);
  await server.heard.until(() => server.heard.states.includes("lost"));
  await speak(client, client);
  assert.deepEqual(server.heard.states.slice(0, 4), ["connecting", "connected", "lost", "connected"]);
});

Deno.test("Who never comes has failed, and leaves nothing behind", async () => {
  await using stack = new AsyncDisposableStack();
  const { clients, servers } = await openBoth(stack, { server: { connect_timeout_ms: 300 } });
  const client = makePeer(clients);
  const server = makePeer(servers);
  await server.peer.answer(await client.peer.offer());
  await server.heard.until(() => server.heard.states.includes("failed"));
  assert.deepEqual(server.heard.states, ["connecting", "failed"]);
  await server.peer[Symbol.asyncDispose]();
  assert.deepEqual(server.heard.states, ["connecting", "failed"]);
  assertEmpty(servers);
});

Deno.test("A description shows the advertised address in place of the machine's own", async () => {
  await using stack = new AsyncDisposableStack();
  const servers = stack.use(await openPeers({ advertised_addresses: ["203.0.113.7"], advertised_port: 9001 }));
  const clients = stack.use(await openPeers({ lite: false }));
  const answer = await makePeer(servers).peer.answer(await makePeer(clients).peer.offer());
  const shown = answer.match(/^a=candidate:.*/gm)!.map((line) => line.split(" ").slice(2, 6));
  assert.deepEqual([...new Set(shown.map(([transport, , host, port]) => `${transport} ${host} ${port}`))], [
    "udp 203.0.113.7 9001",
    "tcp 203.0.113.7 9001",
  ]);
  assert.match(answer, /^a=ice-lite/m);
  assert.match(answer, /^a=setup:passive/m);
  assert.match(answer, /^a=rtcp-mux-only/m);
});

Deno.test("A port that is taken is named", async () => {
  await using stack = new AsyncDisposableStack();
  const first = stack.use(await openPeers());
  const { port, addresses } = await first.open();
  assert.deepEqual(addresses, [`127.0.0.1:${port}/udp`, `127.0.0.1:${port}/tcp`]);
  await assert.rejects(openPeers({ port }), (error: Error) => {
    assert.equal(error.name, "ConfigurationError");
    assert.match(error.message, new RegExp(`${port}`));
    return true;
  });
});

Deno.test("Channels are bounded", async () => {
  await using stack = new AsyncDisposableStack();
  const { clients, servers } = await openBoth(stack);
  const client = makePeer(clients);
  const server = makePeer(servers);
  const channel = client.peer.openChannel("first");
  await connect(client, server);
  await server.heard.until(() => server.heard.channels.has("first"));
  let sent = 0;
  while (channel.send("x".repeat(60_000)) && sent < 100) sent++;
  assert.ok(sent >= 10 && sent < 30, `${sent} messages waited`);
  assert.equal(channel.send("x".repeat(70_000)), false);
  for (let n = 0; n < 7; n++) client.peer.openChannel(`${n}`);
  assert.throws(() => client.peer.openChannel("one too many"), { name: "ConflictError" });
});

Deno.test("Five hundred broken descriptions are answered or refused, and nothing stays", async () => {
  await using stack = new AsyncDisposableStack();
  const { clients, servers } = await openBoth(stack);
  const client = makePeer(clients, { video: "sendrecv" });
  client.peer.openChannel("muxi");
  const lines = (await client.peer.offer()).split("\r\n");
  let seed = 7;
  const random = (end: number) => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % end;
  const pick = <Value>(values: readonly Value[]) => values[random(values.length)]!;
  const breaks: ((lines: string[]) => string[])[] = [
    (lines) => (lines.splice(random(lines.length), 1 + random(3)), lines),
    (lines) => lines.with(random(lines.length), pick(lines).slice(0, random(12))),
    (lines) => {
      const at = random(lines.length);
      return lines.with(at, lines[at]!.replace(/\d+/, String(pick([0, -1, 65_536, 99_999_999_999, NaN]))));
    },
    (lines) => lines.toSpliced(random(lines.length), 0, pick(lines), pick(lines)),
    (lines) => {
      const at = random(lines.length);
      const word = pick(["__proto__", "constructor", "audio", "\0", "x".repeat(5000)]);
      return lines.with(at, lines[at]!.replace(/[a-z]+/, word));
    },
    (lines) => lines.slice(0, random(lines.length)),
    (lines) => {
      const [a, b] = [random(lines.length), random(lines.length)];
      return lines.with(a, lines[b]!).with(b, lines[a]!);
    },
  ];
  let [answered, refused] = [0, 0];
  for (let n = 0; n < 500; n++) {
    const { peer, heard } = makePeer(servers, { video: "recvonly" });
    const offer = breaks[n % breaks.length]!([...lines]).join("\r\n");
    await peer.answer(offer).then(() => answered++, (error) => {
      assert.equal(error.name, "ValidationError", `${error.stack}`);
      assert.deepEqual(heard.states, ["failed"]);
      refused++;
    });
    await peer[Symbol.asyncDispose]();
  }
  assert.ok(answered > 100 && refused > 50, `${answered} answered, ${refused} refused`);
  assertEmpty(servers);
});

Deno.test("A second offer that is refused leaves the call as it is", async () => {
  await using stack = new AsyncDisposableStack();
  const { clients, servers } = await openBoth(stack);
  const client = makePeer(clients);
  const server = makeEcho(servers);
  await connect(client, server);
  await assert.rejects(server.peer.answer("v=0\r\nnonsense"), { name: "ValidationError" });
  await assert.rejects(server.peer.accept("v=0\r\nnonsense"), { name: "ValidationError" });
  await speak(client, client);
});

Deno.test("A call goes on under garbage from strangers", async () => {
  await using stack = new AsyncDisposableStack();
  const { clients, servers } = await openBoth(stack);
  const client = makePeer(clients);
  const server = makeEcho(servers);
  await connect(client, server);
  const { port } = await servers.open();
  const socket = dgram.createSocket("udp4");
  stack.defer(() => void socket.close());
  let answers = 0;
  socket.on("message", () => answers++);
  const send = (data: Uint8Array) =>
    new Promise<void>((resolve) => socket.send(Buffer.from(data), port, "127.0.0.1", () => resolve()));
  const forged = new werift.Message(werift.methods.BINDING, werift.classes.REQUEST);
  forged.setAttribute("USERNAME", `${server.peer.ice.local!.ufrag}:abcd`).setAttribute("PRIORITY", 1)
    .setAttribute("ICE-CONTROLLING", 1n).setAttribute("USE-CANDIDATE", null);
  await send(forged.bytes);
  await send(forged.addMessageIntegrity(Buffer.from("guessed")).addFingerprint().bytes);
  for (let n = 0; n < 300; n++) {
    const garbage = crypto.getRandomValues(new Uint8Array(1 + (n * 7) % 1400));
    garbage[0] = [0, 1, 20, 22, 23, 30, 64, 128, 144, 200][n % 10]!;
    await send(garbage);
  }
  for (let n = 0; n < 40; n++) {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(crypto.getRandomValues(new Uint8Array(600))).catch(() => {});
    connection.close();
  }
  await speak(client, client);
  assert.equal(answers, 0);
  assert.ok(servers.counts!.forged >= 2 && servers.counts!.unknown >= 50, JSON.stringify(servers.counts));
});

Deno.test("Forty peers that are dropped at every stage leave nothing behind", async () => {
  await using stack = new AsyncDisposableStack();
  const { servers } = await openBoth(stack);
  for (let n = 0; n < 40; n++) {
    const clients = await openPeers({ lite: false, tcp: false });
    const client = makePeer(clients);
    const server = makePeer(servers);
    const stages = [
      async () => {},
      async () => void await client.peer.offer(),
      async () => void await server.peer.answer(await client.peer.offer()),
      async () => client.peer.accept(await server.peer.answer(await client.peer.offer())),
      () => connect(client, server),
    ];
    await stages[n % stages.length]!();
    await server.peer[Symbol.asyncDispose]();
    await clients[Symbol.asyncDispose]();
  }
  assertEmpty(servers);
});

Deno.test("Nothing is made before the ports are open", async () => {
  const { WebRtcPeers } = await import("../../src/adapters/webrtc/peers.ts");
  await using peers = new WebRtcPeers({ host: "127.0.0.1", port: 0, log: keptLog().log });
  assert.throws(() => makePeer(peers), { name: "InternalError" });
});
