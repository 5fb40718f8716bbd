/**
 * Clients that speak HTTP/2, as all that speak TLS may: a request names its host in its address alone.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { listen } from "../../src/transports/http/listen.ts";
import { makeCertificate } from "../support/certificate.ts";
import { good } from "../support/calls.ts";
import { startServer, USER_KEY } from "../support/server.ts";
import { sampleOffer, VOICE } from "../support/whip_offer.ts";

Deno.test("over HTTP/2 calls begin and end, and the server knows its own address and pages", async () => {
  await using stack = new AsyncDisposableStack();
  const settings = {
    rtc: { host: "127.0.0.1" },
    auth: { jwt: { issuer: "https://sign-in.example.org", audience: "muxi" } },
  };
  const server = stack.use(await startServer({ settings }));
  const files = stack.use(await makeCertificate());
  const [cert, key] = await Promise.all([files.cert_file, files.key_file].map((file) => Deno.readTextFile(file)));
  const hosts: (string | null)[] = [];
  const seen: typeof server.app.fetch = (request, info) => {
    hosts.push(request.headers.get("host"));
    return server.app.fetch(request, info);
  };
  const onError = () => new Response(null, { status: 500 });
  const tls = { cert: cert!, key: key! };
  const { address } = stack.use(listen(seen, { host: "127.0.0.1", port: 0, tls, onError }));
  using client = Deno.createHttpClient({ caCerts: [cert!] });
  const headers = { authorization: `Bearer ${USER_KEY}` };
  const ask = (method: string, path: string, init: RequestInit = {}) =>
    fetch(new URL(path, address), { method, client, ...init, headers: { ...headers, ...init.headers } });
  const offer = { body: sampleOffer([VOICE]), headers: { "content-type": "application/sdp" } };
  const published = await ask("POST", "/api/v1/rtc/whip", offer);
  assert.equal(published.status, 201, await published.text());
  assert.equal((await ask("DELETE", published.headers.get("location")!)).status, 200);
  const called = await ask("POST", "/v1/realtime/calls", offer);
  assert.equal(called.status, 201, await called.text());
  const message = { jsonrpc: "2.0", id: 1, method: "ping" };
  const pinged = await ask("POST", "/mcp", {
    body: JSON.stringify(message),
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream", origin: address },
  });
  assert.notEqual(pinged.status, 403, "it is its own page");
  await pinged.body?.cancel();
  await good(await ask("GET", "/api/v1/agents"));
  assert.ok(hosts.every((host) => host === null), "the client spoke HTTP/2");
});
