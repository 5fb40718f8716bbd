/**
 * A server whose calls a test directs: everything but calls is the real server's, connections and the order of events are
 * the core's own, and what is said is the test's.
 *
 * @module
 */
import { Acknowledgements } from "../../src/core/calls/acknowledgements.ts";
import { CallEvents, toFrame } from "../../src/core/calls/call_events.ts";
import { CHANNEL, Signalling } from "../../src/core/calls/signalling.ts";
import type { NewRtcEvent, RtcMessage } from "../../src/domain/rtc_event.ts";
import type { RtcSession } from "../../src/domain/rtc_session.ts";
import type { Channel, MediaPacket } from "../../src/ports/peers.ts";
import { startServer, type TestServer } from "./server.ts";
import { within } from "./waiting.ts";
import { openPeers } from "./webrtc_peers.ts";

/** The id of the desk's one call. */
export const CALL_ID = "rtc_0000000000001";

/** What a test sees, and does. */
export interface CallDesk extends AsyncDisposable {
  url: string;
  server: TestServer;
  /** What was asked of calls, such as `POST /rtc/offer`. */
  asked: string[];
  /** What the client said during calls, without ids, and by which way it came first. */
  said: (RtcMessage & { way: "channel" | "socket" })[];
  /** The newest packet of each section of the description. */
  media: Map<string, MediaPacket>;
  /** Tells the client something. */
  tell(event: NewRtcEvent): void;
  /** Whether requests about calls are refused, as by a network that is gone. */
  unreachable: boolean;
  /** Cuts the connection in force, as a network that changes does. */
  cut(): Promise<void>;
  /** Resolves once `holds` does. */
  until(holds: () => boolean): Promise<void>;
}

function sessionOf(body: { agent_id?: string; modalities?: RtcSession["modalities"] }): RtcSession {
  return {
    id: CALL_ID,
    agent_id: body.agent_id ?? "default",
    conversation_id: null,
    room_id: null,
    recording_id: null,
    user_id: null,
    dialect: "muxi",
    state: "created",
    held: false,
    modalities: body.modalities ?? ["audio", "text"],
    voice: {},
    reason: null,
    stats: null,
    metadata: {},
    created_at: new Date().toISOString(),
    connected_at: null,
    ended_at: null,
  };
}

/** Opens the desk. */
export async function openCallDesk(): Promise<CallDesk> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startServer());
  const peers = stack.use(await openPeers());
  const [asked, said]: [string[], CallDesk["said"]] = [[], []];
  const media = new Map<string, MediaPacket>();
  const waiting = new Set<() => void>();
  const told = () => waiting.forEach((look) => look());
  let events = new CallEvents(CALL_ID);
  const acknowledgements = new Acknowledgements({
    onDone: (id) => events.emit({ type: "message.acknowledged", data: { id } }),
  });
  const hear = (text: string, way: "channel" | "socket") => {
    const { id, ...message }: RtcMessage = JSON.parse(text);
    void acknowledgements.once(id, () => {
      said.push({ ...message, way });
      told();
    });
  };
  const open = () =>
    new Signalling({
      peers,
      options: { audio: "sendrecv", video: "recvonly", relay_only: false },
      iceServers: () => Promise.resolve([]),
      events: {
        onState: () => {},
        onCandidate: () => {},
        onReplaced: () => {},
        onOffer: (sdp) => events.offer(sdp),
        onMedia: (packet) => (media.set(packet.mid, packet), told()),
        onChannel: (channel: Channel) => {
          const sending = channel.label === CHANNEL ? events.send(channel) : undefined;
          return { onMessage: (text) => hear(text, "channel"), onClose: () => sending?.[Symbol.dispose]() };
        },
      },
    });
  let signalling = open();
  stack.defer(() => signalling[Symbol.asyncDispose]());

  async function answer(request: Request, path: string): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const body = request.method === "POST" ? await request.json() : {};
    if (path === "/rtc/ice-servers") return Response.json({ ice_servers: [], expires_at: null });
    if (path === "/rtc/sessions") {
      await signalling[Symbol.asyncDispose]();
      [events, signalling] = [new CallEvents(CALL_ID), open()];
      const session = sessionOf(body);
      events.emit({ type: "session.started", data: { session } });
      return Response.json(session, { status: 201 });
    }
    if (path === "/rtc/offer") {
      const sdp = await signalling.answer(body.sdp);
      return Response.json({ session_id: CALL_ID, type: "answer", sdp, candidates_follow: false });
    }
    const cursor = Number(request.headers.get("last-event-id") ?? searchParams.get("starting_after") ?? 0);
    if (path.endsWith("/events")) return stream(events, cursor, request.signal);
    if (path.endsWith("/attach")) return attach(request, events, cursor, hear);
    if (request.method === "DELETE") events.end();
    return new Response(null, { status: 204 });
  }

  const front = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname, search } = new URL(request.url);
    const path = pathname.replace("/api/v1", "");
    if (!path.startsWith("/rtc/")) {
      const { method, headers, body } = request;
      return await fetch(`${server.url}${pathname}${search}`, { method, headers, body, redirect: "manual" });
    }
    asked.push(`${request.method} ${path}`);
    told();
    if (desk.unreachable) return new Response(null, { status: 502 });
    return await answer(request, path);
  });
  stack.defer(() => front.shutdown());
  stack.defer(() => events.end());
  const owned = stack.move();
  const desk: CallDesk = {
    url: `http://127.0.0.1:${front.addr.port}`,
    server,
    asked,
    said,
    media,
    unreachable: false,
    tell: (event) => events.emit(event),
    cut: async () => await signalling.peer?.[Symbol.asyncDispose](),
    async until(holds) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = () => holds() && resolve();
      waiting.add(look);
      look();
      await within(`${holds}`, promise, { seen: () => ({ asked: asked.slice(-10), said: said.slice(-10) }) });
      waiting.delete(look);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
  return desk;
}

function stream(events: CallEvents, cursor: number, signal: AbortSignal): Response {
  const items = events.follow({ cursor, signal });
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { done, value } = await items.next();
      if (done) return controller.close();
      controller.enqueue(encoder.encode(`id: ${value.seq}\nevent: ${value.type}\ndata: ${value.data}\n\n`));
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

function attach(
  request: Request,
  events: CallEvents,
  cursor: number,
  hear: (text: string, way: "socket") => void,
): Response {
  const { socket, response } = Deno.upgradeWebSocket(request);
  const gone = new AbortController();
  socket.onmessage = ({ data }) => hear(data, "socket");
  socket.onclose = () => gone.abort();
  socket.onopen = async () => {
    for await (const event of events.follow({ cursor, signal: gone.signal })) socket.send(toFrame(event));
    if (socket.readyState === WebSocket.OPEN) socket.close();
  };
  return response;
}
