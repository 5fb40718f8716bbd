/**
 * Signing in at a tool server in a real browser, which comes back from another site.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { findBrowser, startBrowser } from "../support/browser.ts";
import { startOAuthUpstream } from "../support/mcp_client_oauth_server.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { goTo } from "../support/sign_in.ts";
import { askAdmin, createAgent, until } from "../support/story.ts";

const executable = findBrowser();

Deno.test({
  name: "a browser goes from MUXI's page to the tool server's and back; one that was sent past the page doesn't get in",
  ignore: executable === undefined,
  async fn() {
    await using stack = new AsyncDisposableStack();
    const upstream = stack.use(startOAuthUpstream());
    const behind = Promise.withResolvers<TestServer>();
    // The public address is known before the server's own.
    const front = stack.use(
      Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async ({ method, url, headers }) => {
        const { pathname, search } = new URL(url);
        const forwarded = new Headers(headers);
        forwarded.set("x-forwarded-host", headers.get("host")!);
        forwarded.set("x-forwarded-proto", "http");
        return await fetch(`${(await behind.promise).url}${pathname}${search}`, {
          method,
          headers: forwarded,
          redirect: "manual",
        });
      }),
    );
    const server = stack.use(
      await startServer({
        settings: {
          server: { public_url: `http://localhost:${front.addr.port}`, trusted_proxies: ["127.0.0.1"] },
          mcp_servers: [{ name: "vault", url: upstream.url }],
        },
      }),
    );
    behind.resolve(server);
    await createAgent(server, "butler", { mcp_servers: [{ name: "vault" }] });
    const address = () =>
      until("somebody has to sign in", async () => {
        const { sign_in_url } = await askAdmin(server, "GET /agents/butler/mcp_servers/vault");
        return sign_in_url as string | null;
      });
    const browser = stack.use(await startBrowser(executable!));
    const { page: hers, notes } = await browser.newPage();
    await hers.goto(await address());
    assert.match(await hers.innerText("main"), /On behalf of\s+all users of the server/);
    const { page: his } = await browser.newPage();
    await his.goto((await goTo(server, await address())).url);
    assert.match(await his.innerText("main"), /this browser did not begin/);
    assert.deepEqual(upstream.grants, []);

    await hers.click("button");
    await hers.waitForSelector("text=You are signed in");
    assert.equal(new URL(hers.url()).hostname, "localhost");
    assert.deepEqual(await hers.context().cookies(), []);
    assert.deepEqual(notes.complaints, []);
    assert.deepEqual(upstream.grants, ["authorization_code"]);
  },
});
