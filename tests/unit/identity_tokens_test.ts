/**
 * Signed tokens: what is accepted, and above all what isn't.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { createTokens, type TokenOptions } from "../../src/adapters/jose/tokens.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const bytes = (text: string) => new TextEncoder().encode(text);
const never = { [Symbol.dispose]() {} };
const NOW = 1_700_000_000;
const clock = { now: () => NOW * 1000, after: () => never, every: () => never };
const create = (options: TokenOptions) => createTokens({ clock, ...options });
const refused = (message: RegExp) => ({ name: "UnauthorizedError", message });

function claims(alg = "HS256", header = {}) {
  return new SignJWT({ scope: "tools" }).setProtectedHeader({ alg, ...header }).setSubject("ann").setIssuer(
    "https://id",
  )
    .setAudience("muxi").setExpirationTime(NOW + 60);
}

Deno.test("a token signed with the secret is its claims", async () => {
  const tokens = create({ secret: SECRET, issuer: "https://id", audience: "muxi" });
  const payload = await tokens.verify(await claims().sign(bytes(SECRET)));
  assert.deepEqual([payload.sub, payload.scope], ["ann", "tools"]);
});

Deno.test("a token that is expired, unsigned, altered or for others is refused with the reason", async () => {
  const tokens = create({ secret: SECRET, issuer: "https://id", audience: "muxi" });
  const good = await claims().sign(bytes(SECRET));
  const [head, body, tail] = good.split(".") as [string, string, string];
  const altered = btoa(atob(body).replace("ann", "bob")).replace(/=+$/, "");
  const cases: [string, RegExp][] = [
    [await claims().setExpirationTime(NOW - 60).sign(bytes(SECRET)), /it has expired/],
    [await claims().setNotBefore(NOW + 60).sign(bytes(SECRET)), /the claim "nbf" is not as it must be/],
    [await claims().setIssuer("https://other").sign(bytes(SECRET)), /the claim "iss" is not/],
    [await claims().setAudience("other").sign(bytes(SECRET)), /the claim "aud" is not/],
    [await claims().sign(bytes(SECRET + "x")), /its signature is wrong/],
    [`${head}.${altered}.${tail}`, /its signature is wrong/],
    [
      await claims("HS256", { crit: ["exp"], exp: 1 }).sign(bytes(SECRET)).catch(() => "a.b.c"),
      /malformed|not supported/,
    ],
    [new UnsecuredJWT({ sub: "ann" }).setExpirationTime(NOW + 60).encode(), /.*/],
    [`${btoa('{"alg":"none"}').replace(/=+$/, "")}.${body}.`, /its algorithm is not accepted/],
    ["eyJh.eyJi.c", /it is malformed/],
  ];
  for (const [token, reason] of cases) {
    await assert.rejects(tokens.verify(token), (error: Error) => {
      assert.equal(error.name, "UnauthorizedError");
      assert.match(error.message, reason);
      assert.ok(!error.message.includes(token) && !error.message.includes("bob"));
      return true;
    });
  }
  const forever = new SignJWT({}).setProtectedHeader({ alg: "HS256" }).setSubject("ann").setIssuer("https://id")
    .setAudience("muxi");
  await assert.rejects(tokens.verify(await forever.sign(bytes(SECRET))), refused(/the claim "exp" is missing/));
});

Deno.test("a public key never serves as a secret", async () => {
  const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
  const pem = await exportSPKI(publicKey);
  const tokens = create({ public_key: pem });
  assert.equal((await tokens.verify(await claims("RS256").sign(privateKey))).sub, "ann");
  for (const text of [pem, pem.trim()]) {
    await assert.rejects(tokens.verify(await claims().sign(bytes(text))), refused(/its algorithm is not accepted/));
  }
  const both = create({ public_key: pem, secret: SECRET });
  assert.equal((await both.verify(await claims("RS256").sign(privateKey))).sub, "ann");
  assert.equal((await both.verify(await claims().sign(bytes(SECRET)))).sub, "ann");
  await assert.rejects(both.verify(await claims().sign(bytes(pem))), refused(/its signature is wrong/));
  const other = await generateKeyPair("ES256");
  await assert.rejects(tokens.verify(await claims("ES256").sign(other.privateKey)), refused(/does not fit the key/));
  const narrow = create({ public_key: pem, algorithms: ["RS512"] });
  await assert.rejects(narrow.verify(await claims("RS256").sign(privateKey)), refused(/algorithm is not accepted/));
});

Deno.test("PEM files of every kind of key work", async () => {
  for (const alg of ["PS256", "ES384", "Ed25519"]) {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    const path = await Deno.makeTempFile();
    await Deno.writeTextFile(path, await exportSPKI(publicKey));
    const tokens = create({ public_key_file: path, secret: "", jwks_file: "", jwks_url: "", issuer: "", audience: "" });
    await Deno.remove(path);
    assert.equal((await tokens.verify(await claims(alg).sign(privateKey))).sub, "ann", alg);
  }
});

Deno.test("key sets choose by kid, from a file or from an address", async () => {
  const [one, two] = await Promise.all(["ES256", "RS256"].map((alg) => generateKeyPair(alg, { extractable: true })));
  const set = {
    keys: [{ ...await exportJWK(one!.publicKey), kid: "one" }, { ...await exportJWK(two!.publicKey), kid: "two" }],
  };
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, JSON.stringify(set));
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => Response.json(set));
  const jwks_url = `http://127.0.0.1:${server.addr.port}/jwks`;
  for (const tokens of [create({ jwks_file: path }), create({ jwks_url })]) {
    assert.equal((await tokens.verify(await claims("ES256", { kid: "one" }).sign(one!.privateKey))).sub, "ann");
    assert.equal((await tokens.verify(await claims("RS256", { kid: "two" }).sign(two!.privateKey))).sub, "ann");
    const unknown = claims("ES256", { kid: "three" }).sign(one!.privateKey);
    await assert.rejects(tokens.verify(await unknown), refused(/its key is unknown/));
    const confused = claims("HS256", { kid: "two" }).sign(bytes(JSON.stringify(set.keys[1])));
    await assert.rejects(tokens.verify(await confused), refused(/its algorithm is not accepted/));
  }
  await Deno.remove(path);
});

Deno.test("a key set that can't be fetched is not the token's fault", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response("no", { status: 500 }),
  );
  const { privateKey } = await generateKeyPair("ES256");
  const tokens = create({ jwks_url: `http://127.0.0.1:${server.addr.port}/jwks` });
  await assert.rejects(tokens.verify(await claims("ES256").sign(privateKey)), {
    name: "UnavailableError",
    retryAfter: 5,
  });
});

Deno.test("settings that can't be safe are refused at start", async () => {
  const path = await Deno.makeTempFile();
  const pem = "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----";
  const wrong: [TokenOptions, RegExp][] = [
    [{}, /no secret or public key is set/],
    [{ secret: "short" }, /the secret has 5 bytes, expected at least 32/],
    [{ secret: SECRET, algorithms: ["none"] }, /algorithm "none" can't be used/],
    [{ secret: SECRET, algorithms: ["RS256"] }, /"RS256" can't be used with the keys that are set, only HS256/],
    [{ public_key: pem, algorithms: ["HS256"] }, /"HS256" can't be used/],
    [{ public_key: pem, jwks_file: path }, /only one source of public keys can be used, not 2/],
    [{ public_key: "-----BEGIN PRIVATE KEY-----" }, /must be PEM with "BEGIN PUBLIC KEY"/],
    [{ jwks_file: path }, /holds no JSON Web Key Set/],
    [{ public_key_file: `${path}.gone` }, /Cannot read the keys for signed tokens in/],
    [{ jwks_url: "http://id.example.org/jwks" }, /jwks_url must be an https address/],
    [{ jwks_url: "file:///etc/passwd" }, /jwks_url must be an https address/],
  ];
  for (const [options, message] of wrong) {
    assert.throws(() => create(options), { name: "ConfigurationError", message });
  }
  await Deno.remove(path);
});
