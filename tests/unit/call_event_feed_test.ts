/** How a client of calls reads events over HTTP. */
import { strict as assert } from "node:assert";
import { type Api, CallError } from "../../console/call/api.ts";
import { EventFeed, pause } from "../../console/call/event_feed.ts";
import { type CallEvent, EventOrder } from "../../console/call/event_order.ts";
import { within } from "../support/waiting.ts";

const frame = (seq: number) => `id: ${seq}\nevent: session.viewer\ndata: {}\n\n`;
const eventAt = (seq: number) => ({ seq, type: "session.viewer", data: {} }) as unknown as CallEvent;

/** A server that answers in turn, and the cursors it was asked with. */
function serve(...answers: (() => Response)[]) {
  const cursors: (string | null)[] = [];
  const send: Api["send"] = (_method, _path, { headers = {} } = {}) => {
    cursors.push(headers["last-event-id"] ?? null);
    const answer = answers.shift();
    return answer ? Promise.try(answer) : new Promise(() => {});
  };
  return { cursors, api: { send } as unknown as Api };
}

/** A stream that breaks behind some events. */
function stream(...seqs: number[]): Response {
  return new Response(seqs.map(frame).join(""));
}

function refuse(): Response {
  throw new CallError("Gone", { error: "GoneError", status: 410 });
}

Deno.test("nothing is told once the feed is left, though it has come", async () => {
  const { api } = serve(() => stream(1, 2));
  const told: number[] = [];
  const first = Promise.withResolvers<void>();
  const feed = new EventFeed({
    api,
    session_id: "rtc_1",
    last: () => 0,
    onEvent: ({ seq }) => {
      told.push(seq);
      feed[Symbol.dispose]();
      first.resolve();
    },
    onGap: () => {},
    onEnd: () => {},
  });
  feed.start();
  await within("an event", first.promise);
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(told, [1]);
});

Deno.test("who has missed what is gone goes on with the oldest that is kept", async () => {
  const { api, cursors } = serve(() => stream(1), refuse, () => stream(300, 301));
  const told: number[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const order = new EventOrder(({ seq }) => {
    told.push(seq);
    if (seq === 301) resolve();
  });
  order.take(eventAt(1));
  using feed = new EventFeed({
    api,
    session_id: "rtc_1",
    last: () => order.last,
    onEvent: (event) => order.take(event),
    onGap: () => order.skip(),
    onEnd: () => {},
  });
  feed.start();
  await within("what is kept", promise);
  assert.deepEqual(told, [1, 300, 301]);
  assert.deepEqual(cursors, ["1", "1", null]);
});

Deno.test("what was told before a gap is not told again after it", () => {
  const told: number[] = [];
  const order = new EventOrder(({ seq }) => void told.push(seq));
  for (const seq of [1, 2]) order.take(eventAt(seq));
  order.skip();
  for (const seq of [2, 300, 1, 301]) order.take(eventAt(seq));
  assert.deepEqual([told, order.last], [[1, 2, 300, 301], 301]);
});

Deno.test("a pause ends at once when it is not wanted any more, also before it began", async () => {
  const over = new AbortController();
  const begun = pause(3_600_000, over.signal);
  over.abort();
  await within("its end", begun);
  await within("its end", pause(3_600_000, over.signal));
});
