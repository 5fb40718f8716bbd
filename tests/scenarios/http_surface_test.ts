import { strict as assert } from "node:assert";
import { readError } from "../support/errors.ts";
import { streamFrames } from "../support/events.ts";
import { startNginx } from "../support/nginx.ts";
import { hasProgram } from "../support/parts.ts";
import { startProgram } from "../support/program.ts";
import { startProvider } from "../support/provider.ts";
import { startServer, USER_KEY } from "../support/server.ts";

const SECURITY = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "x-frame-options": "DENY",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
};

function isSecured(headers: Headers, label: string): void {
  for (const [name, value] of Object.entries(SECURITY)) assert.equal(headers.get(name), value, `${label}: ${name}`);
  assert.match(headers.get("x-request-id") ?? "", /^[\w.-]+$/, label);
}

Deno.test("every answer carries the security headers and the request's id, errors and streams too", async () => {
  await using server = await startServer();
  const upload = await server.request("POST", "/files?name=a.html", {
    body: "<b>",
    headers: { "content-type": "text/html" },
  });
  const { id } = await upload.json();
  const requests: [string, string, Record<string, unknown>, number][] = [
    ["GET", "/agents", {}, 200],
    ["GET", "/agents", { key: null }, 401],
    ["GET", "/agents/nobody", {}, 404],
    ["PUT", "/agents", {}, 405],
    ["POST", "/chat", { body: "{" }, 400],
    ["POST", "/chat", { body: { message: "Hello" } }, 200],
    ["POST", "/chat/stream", { body: { message: "Hello" } }, 200],
    ["GET", `/files/${id}/content`, {}, 200],
    ["DELETE", `/files/${id}`, {}, 204],
    ["GET", "^/health/live", { key: null }, 200],
    ["GET", "^/openapi.json", { key: null }, 200],
    ["GET", "^/nowhere", { key: null }, 404],
    ["OPTIONS", "/agents", { headers: { origin: "https://a.example", "access-control-request-method": "GET" } }, 204],
  ];
  for (const [method, path, options, status] of requests) {
    const { headers = {}, ...rest } = options as { headers?: Record<string, string> };
    const response = await server.request(method, path, {
      ...rest,
      headers: { ...headers, "x-request-id": "mine-1.2_3" },
    });
    const text = await response.text();
    assert.equal(response.status, status, `${method} ${path}: ${text}`);
    isSecured(response.headers, `${method} ${path}`);
    assert.equal(response.headers.get("x-request-id"), "mine-1.2_3");
    assert.equal(response.headers.get("strict-transport-security"), null);
    assert.equal(response.headers.get("access-control-allow-origin"), null);
    if (status >= 400) assert.equal(readError(status, text).request_id, "mine-1.2_3");
  }
  for (const junk of ["a b", "a".repeat(200), "<script>"]) {
    const response = await server.request("GET", "/agents", { headers: { "x-request-id": junk } });
    await response.body!.cancel();
    assert.match(response.headers.get("x-request-id")!, /^req_/);
  }
  const put = await server.request("PUT", "/agents/x");
  await put.body!.cancel();
  assert.equal(put.headers.get("allow"), "GET, PATCH, DELETE");
});

Deno.test("a file is handed out as an attachment, whatever it and its name are", async () => {
  await using server = await startServer();
  const names = ['a"b.html', "ä☃.txt", "%0d%0a.txt", "a;b=c.txt", "con.txt"];
  for (const name of names) {
    const query = new URLSearchParams({ name });
    const made = await server.request("POST", `/files?${query}`, {
      body: "<b>",
      headers: { "content-type": "text/html" },
    });
    const { id } = await made.json();
    const response = await server.request("GET", `/files/${id}/content`);
    assert.equal(await response.text(), "<b>");
    const disposition = response.headers.get("content-disposition")!;
    assert.match(disposition, /^attachment; filename="[\w.-]+"; filename\*=UTF-8''[\w.%!~*'()-]+$/, disposition);
    assert.equal(decodeURIComponent(disposition.split("''")[1]!), name);
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
  }
});

Deno.test("pages of the named origins may call, others not; the preflight needs no key", async () => {
  await using server = await startServer({ settings: { server: { cors: { origins: ["https://app.example"] } } } });
  const ask = async (
    method: string,
    origin: string,
    headers: Record<string, string> = {},
    key: string | null = null,
  ) => {
    const response = await server.request(method, "/agents", { key, headers: { origin, ...headers } });
    await response.body?.cancel();
    return response;
  };
  const preflight = { "access-control-request-method": "POST", "access-control-request-headers": "authorization" };
  const asked = await ask("OPTIONS", "https://app.example", preflight);
  assert.equal(asked.status, 204);
  assert.equal(asked.headers.get("access-control-allow-origin"), "https://app.example");
  for (const name of ["Authorization", "Idempotency-Key", "Last-Event-ID", "Content-Type"]) {
    assert.ok(asked.headers.get("access-control-allow-headers")!.includes(name), name);
  }
  const strange = await ask("OPTIONS", "https://evil.example", preflight);
  assert.equal(strange.headers.get("access-control-allow-origin"), null);
  assert.equal(strange.headers.get("access-control-allow-methods"), null);
  const real = await ask("GET", "https://app.example", {}, USER_KEY);
  assert.equal(real.headers.get("access-control-allow-origin"), "https://app.example");
  assert.match(real.headers.get("access-control-expose-headers")!, /X-Request-Id/);
  const refused = await ask("GET", "https://app.example");
  assert.deepEqual([refused.status, refused.headers.get("access-control-allow-origin")], [401, "https://app.example"]);
  assert.equal((await ask("GET", "null", {}, USER_KEY)).headers.get("access-control-allow-origin"), null);
});

Deno.test("TLS from settings works, and only behind TLS browsers are told to stay there", {
  ignore: !hasProgram("openssl"),
}, async () => {
  const dir = await Deno.makeTempDir({ prefix: "muxi-tls-" });
  try {
    const [cert_file, key_file] = [`${dir}/cert.pem`, `${dir}/key.pem`];
    const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    const { success } = await new Deno.Command("openssl", {
      args: [...args, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        .concat("-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key_file, "-out", cert_file),
      stdout: "null",
      stderr: "null",
    }).output();
    assert.ok(success);
    const tls = { cert_file, key_file };
    await using program = await startProgram({ settings: { server: { tls, env: "production" } } });
    assert.match(program.url, /^https:/);
    using client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(cert_file)] });
    const headers = { authorization: `Bearer ${USER_KEY}`, "content-type": "application/json" };
    const body = '{"message":"Hello"}';
    const response = await fetch(`${program.url}/api/v1/chat/stream`, { method: "POST", headers, body, client });
    isSecured(response.headers, "TLS");
    assert.equal(response.headers.get("strict-transport-security"), "max-age=31536000");
    assert.equal((await Array.fromAsync(streamFrames(response))).at(-1)!.type, "run.completed");
    const error = await fetch(`${program.url}/nowhere`, { client });
    assert.equal(error.headers.get("strict-transport-security"), "max-age=31536000");
    await error.body!.cancel();
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a base path works whether the proxy removes it or not, and forwarded headers count from proxies only", async () => {
  await using server = await startServer({
    settings: { server: { base_path: "/muxi", trusted_proxies: ["127.0.0.1"] } },
  });
  const of = async (path: string, headers: Record<string, string> = {}) => {
    const response = await server.request("GET", path, { headers });
    await response.body!.cancel();
    return response;
  };
  for (const path of ["^/muxi/api/v1/agents", "^/api/v1/agents", "^/muxi/v1/agents", "^/muxi/health/live"]) {
    assert.equal((await of(path)).status, 200, path);
  }
  for (const path of ["^/muxix/api/v1/agents", "^/muxi/muxi/api/v1/agents", "^/other/api/v1/agents"]) {
    assert.equal((await of(path)).status, 404, path);
  }
  const secure = await of("/agents", { "x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https" });
  assert.equal(secure.headers.get("strict-transport-security"), "max-age=31536000");
  const document = await (await server.request("GET", "^/muxi/openapi.json", { key: null })).json();
  assert.deepEqual(document.servers, [{ url: "/muxi" }]);
  await using open = await startServer();
  const lie = await open.request("GET", "/agents", { headers: { "x-forwarded-proto": "https" } });
  await lie.body!.cancel();
  assert.equal(lie.headers.get("strict-transport-security"), null);
});

Deno.test("behind nginx events come as they are made, and the caller's address is the caller's", {
  ignore: !hasProgram("nginx"),
}, async () => {
  await using provider = await startProvider({ script: { tokens: ["One", "Two"], delay: 600_000 } });
  await using program = await startProgram({
    settings: {
      server: { base_path: "/muxi", trusted_proxies: ["127.0.0.1"] },
      model: { provider: "openai" },
      providers: { openai: { base_url: provider.url, api_key: "sk-scripted" } },
    },
  });
  await using nginx = await startNginx({ target: program.url, path: "/muxi/" });
  const headers = { authorization: `Bearer ${USER_KEY}`, "content-type": "application/json" };
  const address = `${nginx.url}/muxi/api/v1/chat/stream`;
  const response = await fetch(address, { method: "POST", headers, body: '{"message":"Hello"}' });
  assert.equal(response.headers.get("strict-transport-security"), "max-age=31536000");
  // The provider's second token never comes: a proxy that gathers would show nothing of the first.
  const frames = streamFrames(response);
  for (;;) {
    const { value, done } = await frames.next();
    assert.ok(!done);
    if (value.type === "model.delta") {
      assert.equal(value.data.text, "One");
      break;
    }
  }
  await frames.return(undefined);
  await program.said('"address":"203.0.113.7"');
});
