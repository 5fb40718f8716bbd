/**
 * What was allowed at tool servers, and how it is kept.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createSealer } from "../../src/adapters/files/sealer.ts";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { KnownSecrets } from "../../src/adapters/mcp/known_secrets.ts";
import { OAuthProvider } from "../../src/adapters/mcp/oauth_provider.ts";
import { Grants } from "../../src/core/mcp_servers/grants.ts";
import { McpServer } from "../../src/domain/mcp_server.ts";
import { systemClock } from "../../src/kit/clock.ts";
import { createLog } from "../../src/kit/log.ts";

const log = createLog({ level: "error", format: "json", write: () => {} });

Deno.test("grants are kept by server and user, found by their state, and stand sealed in the store", async () => {
  const dir = await Deno.makeTempDir({ prefix: "muxi-grants-" });
  try {
    await using store = await openLibsqlStore({ path: `${dir}/muxi.db`, log });
    const sealer = createSealer({ file: `${dir}/grants.key` });
    const grants = new Grants({ store, clock: systemClock, sealer });
    const [all, anna] = [{ server: "drive" }, { server: "drive", user_id: "anna" }];
    assert.equal(await grants.load(all), undefined);
    await grants.change(all, () => ({ state: "s1", secrets: "of-all" }));
    await grants.change(anna, () => ({ secrets: "of-anna" }));
    assert.deepEqual(await grants.load(all), { state: "s1", secrets: "of-all" });
    assert.deepEqual(await grants.load(anna), { secrets: "of-anna" });
    assert.deepEqual(await grants.find("s1"), all);
    assert.equal(await grants.find("s2"), undefined);
    await grants.change(all, (kept) => ({ secrets: `${kept?.secrets}-2` }));
    assert.equal(await grants.find("s1"), undefined);
    const rows = await store.read({ from: "mcp_grants", limit: 10 });
    assert.ok(rows.length === 2 && !JSON.stringify(rows).includes("of-a"));
    // The same key after a restart; with another one people sign in again.
    const again = new Grants({ store, clock: systemClock, sealer: createSealer({ file: `${dir}/grants.key` }) });
    assert.deepEqual(await again.load(anna), { secrets: "of-anna" });
    const other = new Grants({ store, clock: systemClock, sealer: createSealer({ file: "", encryptionKey: "k" }) });
    assert.equal(await other.load(anna), undefined);
    await grants.remove(anna);
    assert.equal(await grants.load(anna), undefined);
    assert.equal((await Deno.stat(`${dir}/grants.key`)).mode! & 0o777, 0o600);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("whatever is kept meanwhile, a sign-in that was taken up stays so, and nothing that was kept is lost", async () => {
  await using store = await openLibsqlStore({ path: ":memory:", log });
  const sealer = createSealer({ file: "", encryptionKey: "k" });
  const grants = new Grants({ store, clock: systemClock, sealer });
  const server = McpServer.parse({ name: "drive", url: "https://drive.test/mcp" });
  const at = "https://muxi.test/api/v1/mcp/sign_in";
  const identity = { redirect_url: at, begin_url: `${at}/begin` };
  const provider = () => {
    return new OAuthProvider(server, {
      ...identity,
      tokens: grants,
      clock: systemClock,
      secrets: new KnownSecrets([]),
    });
  };
  const [waiting, ...others] = Array.from({ length: 6 }, provider);
  const state = await waiting!.state();
  await waiting!.saveCodeVerifier("verifier");
  await waiting!.redirectToAuthorization(new URL(`https://sign.test/authorize?state=${state}`));
  const back = provider();
  const results = await Promise.all([
    ...others.map((one, i) => {
      return one.saveClientInformation?.({ client_id: `client_${i}` }, { issuer: `https://issuer${i}.test` });
    }),
    back.takeUp(state),
  ]);
  assert.equal(results.at(-1), "in_time");
  assert.equal(await grants.find(state), undefined, "nobody waits any more");
  const kept = provider();
  const clients = await Promise.all(
    others.map((_, i) => kept.clientInformation({ issuer: `https://issuer${i}.test` })),
  );
  assert.deepEqual(clients.map((client) => client?.client_id), others.map((_, i) => `client_${i}`));
  assert.equal(await kept.codeVerifier(), "verifier");
});

Deno.test("a sealed text opens only whole and unchanged, and no two look the same", async () => {
  const sealer = createSealer({ file: "", encryptionKey: "k" });
  const sealed = await sealer.seal("text");
  assert.notEqual(sealed, await sealer.seal("text"));
  assert.equal(await sealer.open(sealed), "text");
  for (const broken of ["", "x", ".", sealed.slice(0, -4), `A${sealed.slice(1)}`, sealed.replace(".", "")]) {
    assert.equal(await sealer.open(broken), undefined, broken);
  }
});
