import { strict as assert } from "node:assert";
import { type Clock, systemClock } from "../../src/kit/clock.ts";
import { readError } from "../support/errors.ts";
import { streamFrames } from "../support/events.ts";
import { startProvider } from "../support/provider.ts";
import { ADMIN_KEY, startServer, type TestServer, USER_KEY } from "../support/server.ts";

const OTHER = "sk_muxi_user_of_another_0123456789";

/** A clock that stands still until it is moved, so that no budget refills by itself. */
function standingClock(): Clock & { move(ms: number): void } {
  let now = systemClock.now();
  return { ...systemClock, now: () => now, move: (ms) => void (now += ms) };
}

const settings = (limits: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  ...more,
  auth: { api_keys: [`other:user:${OTHER}`], ...more.auth as Record<string, unknown> },
  limits: { enabled: true, ...limits },
});

async function list(server: TestServer, key: string | null = USER_KEY, path = "/agents") {
  const response = await server.request("GET", path, { key });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

Deno.test("a budget is told, then warned of, then refused, then blocked; and each key has its own", async () => {
  const clock = standingClock();
  const classes = { read: { per_second: 1, burst: 10 } };
  await using server = await startServer({
    settings: settings({ classes, warn_below: 0.3, block_after: 3, block_seconds: 60 }),
    ports: { clock },
  });
  for (let left = 9; left >= 0; left--) {
    const { status, headers } = await list(server);
    assert.equal(status, 200);
    assert.equal(headers.get("ratelimit-limit"), "10");
    assert.equal(headers.get("ratelimit-remaining"), String(left));
    assert.equal(headers.get("ratelimit-reset"), String(10 - left));
    assert.equal(headers.has("x-ratelimit-warning"), left < 3, `${left} left`);
  }
  for (let refusal = 1; refusal <= 2; refusal++) {
    const { status, headers, text } = await list(server);
    const { error, details } = readError(status, text);
    assert.deepEqual([error, headers.get("retry-after"), details.remaining], ["TooManyRequestsError", "1", 0]);
  }
  // Another operation of the class shares it, another class and another key don't.
  assert.equal((await list(server, USER_KEY, "/runs")).status, 429);
  assert.equal((await server.request("POST", "/conversations", { body: {} })).status, 201);
  assert.equal((await list(server, OTHER)).headers.get("ratelimit-remaining"), "9");
  // The third refusal was the last: waiting as long as was said no longer helps.
  clock.move(5_000);
  const blocked = await list(server);
  assert.match(readError(blocked.status, blocked.text).message, /blocked until/);
  assert.equal(blocked.headers.get("retry-after"), "55");
  clock.move(55_000);
  assert.equal((await list(server)).status, 200);
});

Deno.test("an operation's own budget counts alone, and strangers have one per address", async () => {
  const clock = standingClock();
  const operations = { run_list: { per_second: 1, burst: 1 } };
  const classes = { public: { per_second: 1, burst: 2 } };
  await using server = await startServer({ settings: settings({ operations, classes }), ports: { clock } });
  assert.equal((await list(server, USER_KEY, "/runs")).status, 200);
  assert.equal((await list(server, USER_KEY, "/runs")).status, 429);
  assert.equal((await list(server)).status, 200);
  const live = async () => (await list(server, null, "^/health/live")).status;
  assert.deepEqual([await live(), await live(), await live()], [200, 200, 429]);
});

Deno.test("a key may open only so many streams, and gets one back when one ends", async () => {
  await using provider = await startProvider({ script: { tokens: 1000, delay: 600_000 } });
  await using server = await startServer({
    provider: provider.url,
    settings: settings({ enabled: false }, { server: { max_streams_per_key: 2, max_streams: 3 } }),
  });
  const open = (key: string) => server.request("POST", "/chat/stream", { key, body: { message: "Hello" } });
  const first = streamFrames(await open(USER_KEY));
  const second = streamFrames(await open(USER_KEY));
  await first.next();
  await second.next();
  const own = await open(USER_KEY);
  assert.equal(own.headers.get("retry-after"), "5");
  assert.equal(readError(own.status, await own.text()).error, "TooManyRequestsError");
  const third = streamFrames(await open(OTHER));
  await third.next();
  const all = await open(OTHER);
  assert.equal(readError(all.status, await all.text()).error, "UnavailableError");
  const inUse = async () =>
    (await (await server.request("GET", "/system/status", { key: ADMIN_KEY })).json()).open_streams;
  assert.equal(await inUse(), 3);
  await first.return(undefined);
  while (await inUse() > 2) await new Promise((resolve) => setTimeout(resolve, 5));
  const again = streamFrames(await open(USER_KEY));
  assert.equal((await again.next()).done, false);
  for (const frames of [second, third, again]) await frames.return(undefined);
  while (await inUse() > 0) await new Promise((resolve) => setTimeout(resolve, 5));
});

Deno.test("guessing keys is stopped per address, but a key that was right goes on", async () => {
  const clock = standingClock();
  await using server = await startServer({
    settings: { auth: { attempts_per_minute: 5, api_keys: [`other:user:${OTHER}`] } },
    ports: { clock },
  });
  assert.equal((await list(server)).status, 200);
  for (let attempt = 0; attempt < 5; attempt++) assert.equal((await list(server, `sk_guess_${attempt}`)).status, 401);
  const refused = await list(server, "sk_guess_more");
  assert.equal(readError(refused.status, refused.text).error, "TooManyRequestsError");
  assert.equal(refused.headers.get("retry-after"), "60");
  // Otherwise a right guess could be told from a wrong one.
  assert.equal((await list(server, OTHER)).status, 429);
  assert.equal((await list(server)).status, 200);
  clock.move(60_000);
  assert.equal((await list(server, OTHER)).status, 200);
});

Deno.test("HEAD of a stream or a file holds nothing open", async () => {
  await using provider = await startProvider({ script: { tokens: 1000, delay: 600_000 } });
  await using server = await startServer({ provider: provider.url });
  const frames = streamFrames(await server.request("POST", "/chat/stream", { body: { message: "Hello" } }));
  const { value } = await frames.next();
  const { id } = await (await server.request("POST", "/files", { body: "data", headers: { "content-type": "a/b" } }))
    .json();
  for (let i = 0; i < 3; i++) {
    const path = `/runs/${value!.data.run_id}/events`;
    const stream = await server.request("HEAD", path, { headers: { accept: "text/event-stream" } });
    assert.equal(stream.status, 200);
    assert.equal(await stream.text(), "");
    const file = await server.request("HEAD", `/files/${id}/content`);
    assert.deepEqual([file.status, file.headers.get("content-length"), await file.text()], [200, "4", ""]);
  }
  const status = await (await server.request("GET", "/system/status", { key: ADMIN_KEY })).json();
  assert.equal(status.open_streams, 1);
  await frames.return(undefined);
});
