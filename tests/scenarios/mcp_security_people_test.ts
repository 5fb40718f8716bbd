/**
 * Who may see and use tools of whom.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { Prompts } from "../../src/core/tools/prompts.ts";
import type { ServerReads } from "../../src/core/tools/server_reads.ts";
import { ANONYMOUS } from "../../src/domain/access.ts";
import { toolText, toToolName } from "../../src/domain/tool.ts";
import { modern } from "../support/mcp_door.ts";
import { offered, scriptedConnector, ScriptedServer } from "../support/mcp_hub_connector.ts";
import { ADMIN_KEY, startServer, type TestServer } from "../support/server.ts";
import { askAdmin, createAgent, until } from "../support/story.ts";
import { SignJWT } from "jose";

const SECRET = "a-secret-of-more-than-thirty-two-bytes";

function tokenOf(sub: string, claims: Record<string, unknown>): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).setIssuer("sso").setSubject(sub)
    .setExpirationTime("1h").sign(new TextEncoder().encode(SECRET));
}

/** A server whose tenant "default" has a tool server called vault. */
async function house() {
  const vault = new ScriptedServer();
  vault.tools = [offered("open", { description: "zanzibar" })];
  vault.calling = () => toolText("zanzibar");
  const server = await startServer({
    ports: { connector: scriptedConnector({ vault }) },
    settings: {
      auth: { mode: "apikey,jwt", jwt: { secret: SECRET, issuer: "sso" } },
      limits: { enabled: false },
    },
  });
  await createAgent(server, "keeper");
  await askAdmin(server, "POST /agents/keeper/mcp_servers", { body: { name: "vault", url: "https://v.test/mcp" } });
  return { server, vault, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

async function said(server: TestServer, route: string, key: string, body?: unknown): Promise<[number, string]> {
  const [method = "", path = ""] = route.split(" ");
  const response = await server.request(method, path, { key, ...body !== undefined && { body } });
  return [response.status, await response.text()];
}

Deno.test("tools of one tenant's servers are nobody else's, whatever their keys may", async () => {
  await using home = await house();
  const { server, vault } = home;
  for (const access of ["user", "admin"]) {
    const key = await tokenOf("mallory", { tenant_id: "other", scope: "tools", access });
    for (
      const route of [
        ...["GET /tools", "GET /tools?server=vault", "GET /tools/vault__open", "GET ^/tools/openapi.json"],
        ...["GET ^/tools/vault/openapi.json", "GET /mcp/tools"],
        ...["POST /tools/vault__open/call", "POST ^/tools/vault__open", "POST /tools/vault__open/invoke"],
      ]
    ) {
      const [status, text] = await said(server, route, key, route.startsWith("POST") ? {} : undefined);
      assert.doesNotMatch(text, /zanzibar/, `${access} ${route}: ${status}`);
      if (route.startsWith("POST") && !(access === "user" && route.endsWith("invoke"))) {
        assert.equal(status, 404, `${access} ${route}: as if it weren't there, not ${text}`);
      }
    }
    const called = await modern(server, "tools/call", { name: "vault__open", arguments: {} }, { key });
    assert.doesNotMatch(await called.text(), /zanzibar/);
    assert.equal(vault.calls.length, 0, access);
  }
  const [status, text] = await said(server, "POST /tools/vault__open/invoke", ADMIN_KEY, {});
  assert.deepEqual([status, text.includes("zanzibar")], [200, true], "its own tenant's admin may");
});

Deno.test("an admin sees how the tool servers of the own tenant do, and of no other", async () => {
  await using home = await house();
  const { server } = home;
  const keys = { own: ADMIN_KEY, other: await tokenOf("mallory", { tenant_id: "other", access: "admin" }) };
  for (const route of ["GET ^/health/ready", "GET /system/status"]) {
    const seen = async (key: string) => (await said(server, route, key))[1];
    assert.match(await seen(keys.own), /"mcp_server:vault"/);
    const others = await seen(keys.other);
    assert.match(others, /"store"/, `${route} shows what is everybody's`);
    assert.doesNotMatch(others, /vault/, route);
  }
});

Deno.test("nobody hears of what comes and goes at another tenant's servers", async () => {
  await using home = await house();
  const { server, vault } = home;
  const key = await tokenOf("mallory", { tenant_id: "other", scope: "tools" });
  const follow = async (key: string) => {
    const stop = new AbortController();
    const headers = { accept: "text/event-stream" };
    const response = await server.request("GET", "/tools/events", { key, headers, signal: stop.signal });
    let text = "";
    const reading = (async () => {
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) text += chunk;
    })().catch(() => {});
    return { text: () => text, end: () => (stop.abort(), reading) };
  };
  const [own, other] = await Promise.all([follow(ADMIN_KEY), follow(key)]);
  vault.tools = [...vault.tools, offered("shut")];
  vault.changed();
  await until("its own tenant hears of it", () => own.text().includes("vault"));
  assert.doesNotMatch(other.text(), /vault/);
  await Promise.all([own.end(), other.end()]);
});

Deno.test("a key without the scope learns nothing of tools by calling them", async () => {
  await using home = await house();
  const { server, vault } = home;
  const key = await tokenOf("mallory", {});
  const answers = new Set<string>();
  for (const name of ["vault__open", "vault__none", "none__open"]) {
    const [status, text] = await said(server, `POST /tools/${name}/call`, key, {});
    answers.add(`${status} ${JSON.parse(text).message.replaceAll(name, "NAME")}`);
  }
  assert.equal(answers.size, 1, [...answers].join("\n"));
  assert.equal(vault.calls.length, 0);
});

Deno.test("a prompt's arguments don't pass for its name where a policy goes by that", async () => {
  const seen: unknown[] = [];
  const offers = { prompts: [{ name: "danger", arguments: [{ name: "prompt", required: false }] }] };
  const prompts = new Prompts({
    reads: {
      serversFor: () => Promise.resolve([{ definition: { name: "vault" }, offers, secrets: [] }]),
      read: (_: unknown, request: { arguments: unknown }) => {
        seen.push(request.arguments);
        return Promise.resolve({ content: [], structured_content: { roles: [] }, is_error: false });
      },
    } as unknown as ServerReads,
  });
  const name = toToolName("vault", "danger");
  const { signal } = new AbortController();
  await prompts.get({ ...ANONYMOUS, access: "user" }, { name, arguments: { prompt: "harmless" }, signal });
  assert.deepEqual(seen, [{ prompt: "danger" }]);
});
