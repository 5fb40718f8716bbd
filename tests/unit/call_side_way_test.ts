/** The way for words of a call's client while it has no connection. */
import { strict as assert } from "node:assert";
import type { Api } from "../../console/call/api.ts";
import type { CallEvent } from "../../console/call/event_order.ts";
import { SideWay } from "../../console/call/side_way.ts";
import { within } from "../support/waiting.ts";

/** The longest message that the server takes. */
const MAX = 1000;

Deno.test("who leaves while the way opens wants no way any more", async () => {
  const asked = Promise.withResolvers<AbortSignal>();
  const connect: Api["connect"] = (_path, _query, { signal }) => {
    asked.resolve(signal);
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  };
  const nothing = () => {};
  const way = new SideWay({
    api: { connect } as unknown as Api,
    session_id: "rtc_1",
    last: () => 0,
    onEvent: nothing,
    onOpen: nothing,
    onTooLong: nothing,
  });
  way.start();
  const signal = await within("the way", asked.promise);
  assert.ok(!signal.aborted && !way.send("Hello"));
  way[Symbol.dispose]();
  assert.ok(signal.aborted);
});

/** A server of WebSockets, and a way that is open to it. */
async function openWay() {
  await using stack = new AsyncDisposableStack();
  const heard: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => {
      if (data.length > MAX) return socket.close(1009);
      heard.push(data);
      socket.send(JSON.stringify({ seq: heard.length, type: "message.acknowledged", data: { id: data } }));
    };
    return response;
  });
  stack.defer(() => server.shutdown());
  const sockets: WebSocket[] = [];
  stack.defer(async () => {
    const open = sockets.filter(({ readyState }) => readyState !== WebSocket.CLOSED);
    await Promise.all(open.map((socket) => new Promise((resolve) => socket.addEventListener("close", resolve))));
  });
  const connect = () => {
    const socket = new WebSocket(`ws://127.0.0.1:${server.addr.port}`);
    sockets.push(socket);
    return Promise.resolve(socket);
  };
  const events: CallEvent[] = [];
  const waiting = new Set<() => void>();
  const rouse = () => waiting.forEach((look) => look());
  let [opened, refused] = [0, 0];
  const way = stack.use(
    new SideWay({
      api: { connect } as unknown as Api,
      session_id: "rtc_1",
      last: () => events.length,
      onEvent: (event) => (events.push(event), rouse()),
      onOpen: () => (opened++, rouse()),
      onTooLong: () => void refused++,
    }),
  );
  const until = async (holds: () => boolean) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => holds() && resolve();
    waiting.add(look);
    look();
    await within(`${holds}`, promise);
    waiting.delete(look);
  };
  const owned = stack.move();
  return {
    heard,
    sockets,
    way,
    events,
    get opened() {
      return opened;
    },
    get refused() {
      return refused;
    },
    until,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

Deno.test("what the server doesn't take for its length is told, and the way opens again", async () => {
  await using open = await openWay();
  open.way.start();
  await open.until(() => open.opened === 1);
  for (const text of ["Hello", "x".repeat(MAX + 1)]) assert.ok(open.way.send(text));
  await open.until(() => open.opened === 2);
  assert.equal(open.refused, 1);
  assert.ok(open.way.send("And now?"));
  await open.until(() => open.heard.includes("And now?"));
  assert.deepEqual(open.heard, ["Hello", "And now?"]);
});
