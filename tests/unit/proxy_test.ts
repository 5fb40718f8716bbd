/**
 * Addresses, networks, proxies, and the headers of answers.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { BlockList, isIP } from "node:net";
import { compileNetworks, matchesAny, toAddress } from "../../src/transports/http/address.ts";
import { createCors } from "../../src/transports/http/cors.ts";
import { setLimitHeaders, setSecurityHeaders } from "../../src/transports/http/headers.ts";
import { type Client, clientAddress } from "../../src/transports/http/proxy.ts";

Deno.test("an address has one spelling, and what is none has none", () => {
  const same: [string, string][] = [
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:c000:0201", "192.0.2.1"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["2001:db8::0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["::", "::"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["1::", "1::"],
    ["0:1:2:3:4:5:6:7", "0:1:2:3:4:5:6:7"],
    ["10:0:0:1:10:0:0:100", "10::1:10:0:0:100"],
    ["fe80::1%eth0", "fe80::1"],
    ["64:ff9b::192.0.2.1", "64:ff9b::c000:201"],
  ];
  for (const [text, canonical] of same) assert.equal(toAddress(text), canonical, text);
  const none = [
    "",
    "1.2.3",
    "1.2.3.256",
    "01.2.3.4",
    "0x7f.1",
    "127.1",
    "1.2.3.4 ",
    "1.2.3.4:80",
    "::1::",
    ":1:2:3:4:5:6:7",
  ];
  none.push(
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1::2:3:4:5:6:7:8",
    "g::",
    "::1.2.3",
    ":::",
    "localhost",
    "12345::",
    ":",
  );
  for (const text of none) assert.equal(toAddress(text), undefined, text);
});

Deno.test("random addresses are written as browsers write them, and matched as node does", () => {
  const group = () => Math.random() < 0.5 ? "0" : Math.floor(Math.random() * 65536).toString(16);
  for (let i = 0; i < 2_000; i++) {
    const v6 = Array.from({ length: 8 }, group).join(":");
    const v4 = Array.from({ length: 4 }, () => Math.floor(Math.random() * 256)).join(".");
    const canonical = toAddress(v6)!;
    if (!canonical.includes(".")) assert.equal(`[${canonical}]`, new URL(`http://[${v6}]/`).hostname);
    for (
      const [address, other, width] of [[v6, Array.from({ length: 8 }, group).join(":"), 128], [
        v4,
        "10.0.0.0",
        32,
      ]] as const
    ) {
      const bits = Math.floor(Math.random() * (width + 1));
      const list = new BlockList();
      const family = isIP(address) === 4 ? "ipv4" : "ipv6";
      list.addSubnet(address, bits, family);
      const network = [`${address}/${bits}`];
      assert.equal(matchesAny(address, network), true, `${address} in ${network}`);
      if (toAddress(other)!.includes(".") !== toAddress(address)!.includes(".")) continue;
      assert.equal(matchesAny(other, network), list.check(other, family), `${other} in ${network}`);
    }
  }
});

Deno.test("networks hold what they say, and mistakes are named", () => {
  const list = ["10.0.0.0/8", "2001:db8::/33", "192.0.2.7", "::ffff:198.51.100.0/120"];
  const inside = ["10.255.0.1", "::ffff:10.1.2.3", "2001:db8:7fff::1", "192.0.2.7", "198.51.100.9"];
  const outside = ["11.0.0.1", "2001:db8:8000::1", "192.0.2.8", "198.51.101.9", "unknown", "", "unix", "::1"];
  for (const address of inside) assert.ok(matchesAny(address, list), address);
  for (const address of outside) assert.ok(!matchesAny(address, list), address);
  assert.ok(["127.0.0.1", "127.9.9.9", "::1", "unix"].every(compileNetworks(["loopback"])));
  assert.ok(!matchesAny("127.0.0.1", []));
  assert.ok(matchesAny("255.1.2.3", ["0.0.0.0/0"]) && !matchesAny("::1", ["0.0.0.0/0"]));
  for (
    const entry of [
      "10.0.0.0/33",
      "10.0.0.0/-1",
      "10.0.0.0/",
      "10.0.0.0/8/8",
      "example.org",
      "::/129",
      "::ffff:1.2.3.4/95",
    ]
  ) {
    assert.throws(() => compileNetworks([entry]), { name: "ConfigurationError" }, entry);
  }
});

const PROXIES = { trusted_proxies: ["loopback", "10.0.0.0/8"] };

function read(remote: string, headers: Record<string, string>, options = PROXIES): Client {
  return clientAddress(new Headers({ host: "muxi.local:8000", ...headers }), remote, options);
}

Deno.test("only trusted proxies may speak for others", () => {
  const forged = {
    "x-forwarded-for": "203.0.113.9",
    forwarded: "for=203.0.113.9",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "evil.example",
    "x-forwarded-prefix": "/evil",
  };
  const plain: Client = { address: "192.0.2.1", proto: "http", host: "muxi.local:8000", prefix: "" };
  assert.deepEqual(read("192.0.2.1", forged), plain);
  assert.deepEqual(read("127.0.0.1", forged, { trusted_proxies: [] }), { ...plain, address: "127.0.0.1" });
  assert.deepEqual(read("::ffff:127.0.0.1", forged), {
    address: "203.0.113.9",
    proto: "https",
    host: "evil.example",
    prefix: "/evil",
  });
});

Deno.test("the nearest address that is no trusted proxy is the client", () => {
  const cases: [string, string][] = [
    ["203.0.113.9", "203.0.113.9"],
    ["1.1.1.1, 203.0.113.9", "203.0.113.9"],
    ["127.0.0.1, 203.0.113.9, 10.1.1.1", "203.0.113.9"],
    ["10.9.9.9, 10.1.1.1", "10.9.9.9"],
    ["203.0.113.9:4711", "203.0.113.9"],
    ["[2001:db8::1]:4711", "2001:db8::1"],
    ["2001:DB8:0::1", "2001:db8::1"],
    ["::ffff:203.0.113.9", "203.0.113.9"],
    ["127.0.0.1, nonsense", "unknown"],
    ["127.0.0.1, ", "unknown"],
    ["unix", "unknown"],
    [`${"127.0.0.1,".repeat(5_000)} 203.0.113.9`, "203.0.113.9"],
  ];
  for (const [header, address] of cases) {
    assert.equal(read("127.0.0.1", { "x-forwarded-for": header }).address, address, header.slice(0, 60));
  }
  assert.equal(read("127.0.0.1", {}).address, "127.0.0.1");
  assert.equal(read("unix", { "x-forwarded-for": "203.0.113.9" }).address, "203.0.113.9");
  assert.equal(read("unix", {}, { trusted_proxies: [] }).address, "unix");
});

Deno.test("Forwarded is read where nobody wrote X-Forwarded-For", () => {
  const cases: [string, Partial<Client>][] = [
    ["for=203.0.113.9;proto=https;host=muxi.example", { address: "203.0.113.9", proto: "https", host: "muxi.example" }],
    ['For="[2001:db8::1]:4711"', { address: "2001:db8::1", proto: "http", host: "muxi.local:8000" }],
    ['for="127.0.0.1, for=127.0.0.1", for=203.0.113.9;proto=http, for=10.0.0.1;proto=https', {
      address: "203.0.113.9",
      proto: "http",
    }],
    ["for=unknown", { address: "unknown" }],
    ["for=_hidden;proto=https", { address: "unknown", proto: "https" }],
    ["proto=https", { address: "unknown", proto: "https" }],
  ];
  for (const [header, wanted] of cases) {
    const client = read("10.0.0.1", { forwarded: header });
    for (const [name, value] of Object.entries(wanted)) assert.equal(client[name as keyof Client], value, header);
  }
  const both = { "x-forwarded-for": "203.0.113.9", forwarded: "for=127.0.0.1" };
  assert.equal(read("10.0.0.1", both).address, "203.0.113.9", "a caller can't overrule the proxy");
});

Deno.test("scheme, host and prefix are taken from the same hop, and only when they make sense", () => {
  const chain = { "x-forwarded-for": "1.1.1.1, 203.0.113.9, 10.0.0.2", "x-forwarded-proto": "http, https, http" };
  assert.equal(read("10.0.0.1", chain).proto, "https");
  assert.equal(
    read("10.0.0.1", { "x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "http, https" }).proto,
    "https",
  );
  assert.equal(read("10.0.0.1", { "x-forwarded-proto": "HTTPS" }).proto, "https");
  assert.equal(read("10.0.0.1", { "x-forwarded-proto": "javascript" }).proto, "http");
  assert.equal(read("10.0.0.1", { "x-forwarded-host": "muxi.example:8443" }).host, "muxi.example:8443");
  assert.equal(read("10.0.0.1", { "x-forwarded-host": 'evil"><script>' }).host, "muxi.local:8000");
  assert.equal(read("10.0.0.1", { "x-forwarded-prefix": "/muxi/" }).prefix, "/muxi");
  for (const prefix of ["//evil.example", "/a/../b", "/..", "muxi", "/a b", "/%2e"]) {
    assert.equal(read("10.0.0.1", { "x-forwarded-prefix": prefix }).prefix, "", prefix);
  }
  const options = { ...PROXIES, base_path: "/base/", tls: true };
  assert.deepEqual(read("192.0.2.1", {}, options), {
    address: "192.0.2.1",
    proto: "https",
    host: "muxi.local:8000",
    prefix: "/base",
  });
});

Deno.test("every answer carries the security headers, HSTS only over HTTPS", () => {
  const headers = new Headers();
  setSecurityHeaders(headers, { proto: "http" });
  assert.deepEqual(Object.fromEntries(headers), {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
  });
  const page = new Headers({ "content-security-policy": "default-src 'self'" });
  setSecurityHeaders(page, { proto: "https" });
  assert.equal(page.get("content-security-policy"), "default-src 'self'");
  assert.equal(page.get("strict-transport-security"), "max-age=31536000");
});

Deno.test("limits are told in headers", () => {
  const headers = new Headers();
  setLimitHeaders(headers, { limit: 10, remaining: 1, reset_seconds: 5, warning: "Only 1 of 10 requests left" });
  assert.deepEqual(Object.fromEntries(headers), {
    "ratelimit-limit": "10",
    "ratelimit-remaining": "1",
    "ratelimit-reset": "5",
    "x-ratelimit-warning": "Only 1 of 10 requests left",
  });
});

const APP = "https://app.example.org";
const preflight = (origin: string) =>
  new Request("http://127.0.0.1/api/v1/chat", {
    method: "OPTIONS",
    headers: { origin, "access-control-request-method": "POST" },
  });

Deno.test("no origin is allowed until one is named", () => {
  const cors = createCors({ origins: [] });
  assert.ok(!cors.allows(APP));
  const answer = cors.preflight(preflight(APP))!;
  assert.equal(answer.status, 204);
  assert.deepEqual([...answer.headers.keys()], []);
  const headers = new Headers();
  cors.apply(headers, APP);
  assert.deepEqual([...headers.keys()], []);
});

Deno.test("named origins are allowed exactly, patterns only below their domain", () => {
  const cors = createCors({
    origins: [`${APP}/`, "https://*.example.com", "http://localhost:3000", "https://*.x.org:8443"],
  });
  const allowed = [
    APP,
    "https://a.example.com",
    "https://a.b.example.com",
    "http://localhost:3000",
    "https://a.x.org:8443",
  ];
  const refused = ["https://example.com", "https://evilexample.com", "https://a.example.com.evil.org", "null", ""];
  refused.push(
    "http://a.example.com",
    "https://a.example.com:8443",
    "https://a.exampleXcom",
    "https://app.example.org.evil",
  );
  refused.push(
    "http://localhost",
    `${APP}/`,
    "https://evil.org/.example.com",
    "https://evil.org#.example.com",
    "https://a.x.org",
  );
  refused.push(`https://${"a.".repeat(50_000)}example.com`, "https://a.example.com\n", "https://.example.com");
  for (const origin of allowed) assert.ok(cors.allows(origin), origin);
  for (const origin of refused) assert.ok(!cors.allows(origin), origin.slice(0, 80));
  for (
    const entry of ["example.org", "https://a.*.org", "https://*", "javascript:alert(1)", "https://a.org/path", ""]
  ) {
    assert.throws(() => createCors({ origins: [entry] }), { name: "ConfigurationError" }, entry);
  }
});

Deno.test("a preflight says what the API uses, an answer what may be read", () => {
  const cors = createCors({ origins: [APP], credentials: true });
  const { headers } = cors.preflight(preflight(APP))!;
  assert.equal(headers.get("access-control-allow-origin"), APP);
  assert.equal(headers.get("access-control-allow-credentials"), "true");
  assert.match(
    headers.get("access-control-allow-headers")!,
    /Authorization.*Idempotency-Key.*Last-Event-ID/,
  );
  assert.match(headers.get("access-control-allow-methods")!, /PATCH/);
  const answer = new Headers({ vary: "Accept" });
  cors.apply(answer, APP);
  assert.match(answer.get("access-control-expose-headers")!, /RateLimit-Remaining.*Retry-After.*Location/);
  assert.equal(answer.get("vary"), "Accept, Origin");
  const stranger = new Headers();
  cors.apply(stranger, "https://evil.org");
  assert.deepEqual(Object.fromEntries(stranger), { vary: "Origin" });
  assert.equal(cors.preflight(new Request("http://127.0.0.1/", { method: "OPTIONS" })), undefined);
  assert.equal(cors.preflight(new Request("http://127.0.0.1/", { headers: { origin: APP } })), undefined);
});

Deno.test("everybody is allowed without credentials only", () => {
  const cors = createCors({ origins: ["*"] });
  const headers = new Headers();
  cors.apply(headers, "https://anybody.example");
  assert.equal(headers.get("access-control-allow-origin"), "*");
  assert.equal(headers.get("access-control-allow-credentials"), null);
  assert.throws(() => createCors({ origins: ["*"], credentials: true }), { name: "ConfigurationError" });
});
