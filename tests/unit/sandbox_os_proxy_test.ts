import assert from "node:assert/strict";
import { systemClock } from "../../src/kit/clock.ts";
import { SandboxProfile } from "../../src/domain/policy.ts";
import { startProxy } from "../../src/adapters/sandbox/proxy.ts";
import { NetJudge, type NetJudgeOptions } from "../../src/adapters/sandbox/proxy_judge.ts";
import { readProxyRequest } from "../../src/adapters/sandbox/proxy_request.ts";

/** A proxy on a socket of its own, and a web server behind it. */
async function setUp(net: (port: number) => string[], options: Partial<NetJudgeOptions> = {}) {
  await using made = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "muxi-proxy-" });
  made.defer(() => Deno.remove(dir, { recursive: true }));
  const listening = Promise.withResolvers<number>();
  const seen: string[] = [];
  made.use(Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: ({ port }) => listening.resolve(port) },
    (request) => {
      seen.push(`${request.method} ${new URL(request.url).pathname} ${request.headers.get("host")}`);
      return new Response("hello");
    },
  ));
  const port = await listening.promise;
  const denied: string[] = [];
  const profile = SandboxProfile.parse({});
  const judge = new NetJudge({
    name: "guest",
    shared: false,
    watchable: false,
    policy: "strict",
    profile,
    net: net(port),
    onDenied: (words) => denied.push(words),
    ...options,
  });
  const path = `${dir}/proxy.sock`;
  made.use(startProxy({ path, judge, clock: systemClock }));
  const ask = async (...parts: string[]): Promise<string> => {
    using conn = await Deno.connect({ transport: "unix", path });
    for (const part of parts) await conn.write(new TextEncoder().encode(part));
    return await new Response(conn.readable).text();
  };
  const stack = made.move();
  return { port, seen, denied, ask, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const get = (host: string) => `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
const connect = (place: string) => `CONNECT ${place} HTTP/1.1\r\nHost: ${place}\r\n\r\n`;

Deno.test("a tunnel goes to a host that is named", async () => {
  await using t = await setUp((port) => [`127.0.0.1:${port}`]);
  const said = await t.ask(connect(`127.0.0.1:${t.port}`) + get("any"));
  assert.match(said, /^HTTP\/1\.1 200 Connection established\r\n\r\nHTTP\/1\.1 200 OK\r\n[\s\S]*hello$/);
  assert.deepEqual(t.denied, []);
});

Deno.test("a request by plain HTTP is forwarded as its own, and only one on a connection", async () => {
  await using t = await setUp((port) => [`127.0.0.1:${port}`]);
  const head = `GET http://127.0.0.1:${t.port}/a?b HTTP/1.1\r\nHost: elsewhere\r\nProxy-Authorization: x\r\n\r\n`;
  const said = await t.ask(head.slice(0, 30), head.slice(30), get("second"));
  assert.match(said, /hello$/);
  assert.deepEqual(t.seen, [`GET /a 127.0.0.1:${t.port}`]);
});

Deno.test("a host that is not named is refused, in words that say what to allow", async () => {
  await using t = await setUp(() => ["127.0.0.1:1"]);
  const words =
    `The policy "strict" does not allow connecting to "127.0.0.1:${t.port}": add it to sandbox.net of that policy`;
  const said = await t.ask(connect(`127.0.0.1:${t.port}`));
  assert.equal(said.split("\r\n")[0], `HTTP/1.1 403 ${words}`);
  assert.match(await t.ask(`GET http://127.0.0.1:${t.port}/ HTTP/1.1\r\n\r\n`), /^HTTP\/1\.1 403 /);
  assert.deepEqual(t.denied, [words, words]);
  assert.deepEqual(t.seen, []);
});

Deno.test("a name that leads to this machine is refused, unless the address is named, too", async () => {
  await using closed = await setUp((port) => [`localhost:${port}`]);
  assert.match(await closed.ask(connect(`localhost:${closed.port}`)), /^HTTP\/1\.1 403 /);
  assert.match(
    closed.denied[0]!,
    /which is "(127\.0\.0\.1|::1)" of this machine or its network: name that address itself/,
  );
  await using open = await setUp((port) => [`localhost:${port}`, "127.0.0.1"]);
  assert.match(await open.ask(connect(`localhost:${open.port}`) + get("x")), /hello$/);
});

Deno.test("an address in disguise is no name", async () => {
  await using t = await setUp((port) => ["*.example", "127.1", `2130706433:${port}`]);
  for (const host of ["127.1", "2130706433", "[::ffff:127.0.0.1]", "[::1]"]) {
    assert.match(await t.ask(connect(`${host}:${t.port}`)), /^HTTP\/1\.1 403 /, host);
  }
  assert.deepEqual(t.seen, []);
});

Deno.test("a person may allow what the policy leaves to one", async () => {
  const questions: string[] = [];
  const profile = SandboxProfile.parse({ ask: ["net"] });
  const ask: NetJudgeOptions["ask"] = ({ words }) => Promise.resolve(questions.push(words) === 1);
  await using t = await setUp(() => [], { profile, ask });
  const place = `127.0.0.1:${t.port}`;
  assert.match(await t.ask(connect(place) + get("x")), /hello$/);
  assert.match(await t.ask(connect(place)), /^HTTP\/1\.1 403 /);
  assert.deepEqual(questions, [`connect to "${place}"`, `connect to "${place}"`]);
});

Deno.test("what is no request is answered as such, and what never ends is cut off", async () => {
  await using t = await setUp(() => []);
  assert.match(await t.ask("nonsense\r\n\r\n"), /^HTTP\/1\.1 400 /);
  assert.match(await t.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), /^HTTP\/1\.1 400 /);
  const endless = await t.ask("GET ", "a".repeat(20_000)).catch((error) => String(error));
  assert.match(endless, /^HTTP\/1\.1 400 |^ConnectionReset/);
});

Deno.test("connections are bounded, and taken down with the proxy", async () => {
  const t = await setUp(() => []);
  const place = "CONNECT a:1";
  const open: Promise<string>[] = [];
  for (let i = 0; i < 140; i++) open.push(t.ask(place).catch(() => "reset"));
  // Those beyond the bound end at once, the others wait for the rest of the request.
  assert.notEqual(await Promise.race(open), undefined);
  await t[Symbol.asyncDispose]();
  await Promise.all(open);
});

Deno.test("a request's head is read strictly", () => {
  assert.deepEqual(readProxyRequest("CONNECT a.example:443 HTTP/1.1\r\nHost: a"), { host: "a.example", port: 443 });
  assert.deepEqual(readProxyRequest("CONNECT [::1]:443 HTTP/1.1"), { host: "::1", port: 443 });
  const { forward, ...place } = readProxyRequest(
    "POST http://a.example:8080/x?y HTTP/1.1\r\nX-One: 1\r\nTE: trailers",
  )!;
  assert.deepEqual(place, { host: "a.example", port: 8080 });
  assert.equal(
    new TextDecoder().decode(forward),
    "POST /x?y HTTP/1.1\r\nHost: a.example:8080\r\nX-One: 1\r\nConnection: close\r\n\r\n",
  );
  const wrong = [
    "CONNECT a.example HTTP/1.1",
    "GET https://a.example/ HTTP/1.1",
    "GET http://user:word@a.example/ HTTP/1.1",
    "GET http://a.example/ HTTP/1.1\r\nNo colon",
    "GET http://a.example/ HTTP/1.1\r\n Folded: x",
    "GET http://a.example/ HTTP/1.1\r\nA: b\nC: d",
    "GET http://a.example/ HTTP/2",
    "get http://a.example/ HTTP/1.1",
  ];
  for (const head of wrong) assert.equal(readProxyRequest(head), undefined, head);
});
