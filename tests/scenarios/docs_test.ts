import { strict as assert } from "node:assert";
import { Settings } from "../../src/settings/schema.ts";
import { startServer } from "../support/server.ts";

const PAGES = ["/docs", "/docs/events", "/docs/errors", "/docs/openai", "/docs/mcp", "/docs/call"];

Deno.test("pages and their parts are open to everybody, small, compressed, and asked for once", async () => {
  await using server = await startServer();
  const page = await (await fetch(`${server.url}/docs`)).text();
  const parts = [...page.matchAll(/(?:href|src)="(\/docs\/[\w.]+\.\w+)"/g)].map(([, path]) => path!);
  let first = 0;
  for (const path of new Set([...PAGES, "/docs/", "/openapi.json", ...parts])) {
    const ask = (method: string, headers: Record<string, string> = {}) =>
      fetch(server.url + path, { method, headers: { "accept-encoding": "identity", ...headers } });
    const plain = await ask("GET");
    const text = await plain.text();
    assert.equal(plain.status, 200, path);
    assert.equal(plain.headers.get("content-encoding"), null);
    assert.equal(Number(plain.headers.get("content-length")), new TextEncoder().encode(text).length);
    const zipped = await ask("GET", { "accept-encoding": "br, gzip" });
    assert.equal(await zipped.text(), text, path);
    assert.equal(zipped.headers.get("vary"), "accept-encoding");
    assert.notEqual(zipped.headers.get("etag"), plain.headers.get("etag"));
    const refused = await ask("GET", { "accept-encoding": "gzip;q=0" });
    assert.equal(await refused.text(), text);
    assert.equal(refused.headers.get("etag"), plain.headers.get("etag"));
    const head = await ask("HEAD", { "accept-encoding": "gzip" });
    assert.equal(head.status, 200);
    assert.equal(head.headers.get("content-encoding"), "gzip");
    if (path === "/docs" || parts.includes(path)) first += Number(head.headers.get("content-length"));
    const etag = plain.headers.get("etag")!;
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`]) {
      const again = await ask("GET", { "if-none-match": known });
      assert.deepEqual([again.status, await again.text(), again.headers.get("etag")], [304, "", etag], path);
    }
    const changed = await ask("GET", { "if-none-match": '"other"' });
    assert.equal(changed.status, 200);
    await changed.body!.cancel();
    const policy = plain.headers.get("content-security-policy")!;
    assert.match(policy, /^default-src 'none'/);
    assert.ok(!/unsafe|https?:|\*/.test(policy), policy);
  }
  // Some 450 bytes an operation.
  assert.ok(first < 80_000, `${first} bytes`);
});

Deno.test("below a base path every address has it, and a reload brings other facts", async () => {
  let days = 7;
  const settings = { server: { base_path: "/muxi" }, retention: { delta_days: days } };
  await using server = await startServer({
    settings,
    reread: () => Promise.resolve(Settings.parse({ ...settings, retention: { delta_days: days } })),
  });
  const page = async (path: string) => await (await fetch(`${server.url}/muxi${path}`)).text();
  for (const path of PAGES) {
    for (const [, address = ""] of (await page(path)).matchAll(/ (?:href|src)="([^"]+)"/g)) {
      assert.match(address, /^(#|\/muxi\/)/, path);
      if (address.startsWith("/muxi/docs")) assert.ok((await page(address.slice(5))).length > 0, address);
    }
  }
  const etag = (await fetch(`${server.url}/muxi/docs/events`, { method: "HEAD" })).headers.get("etag");
  assert.match(await page("/docs/events"), /kept for 7 days/);
  days = 3;
  await server.app.reload();
  assert.match(await page("/docs/events"), /kept for 3 days/);
  assert.notEqual((await fetch(`${server.url}/muxi/docs/events`, { method: "HEAD" })).headers.get("etag"), etag);
});
