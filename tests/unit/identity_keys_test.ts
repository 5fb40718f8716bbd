/**
 * Keys: who a token belongs to, revocation, and how keys are written.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { toPrincipal } from "../../src/core/identity/claims.ts";
import { generateKey, type KeySpec, parseApiKeys } from "../../src/core/identity/key_spec.ts";
import { Keys } from "../../src/core/identity/keys.ts";
import { networkOf, subjectOf } from "../../src/core/identity/subject.ts";
import type { Claims } from "../../src/ports/tokens.ts";

const WEB: KeySpec = { key_id: "web", secret: "sk_muxi_user_one", access: "user" };
const OPS: KeySpec = { key_id: "ops", secret: "sk_muxi_admin_one", access: "admin", tenant_id: "acme" };
const ANN: KeySpec = { key_id: "ann", secret: "sk_muxi_user_ann", access: "user", user_id: "ann", scopes: ["tools"] };

const create = (keys: KeySpec[] = [WEB, OPS, ANN]) => new Keys({ keys, modes: ["apikey"] });
const UNKNOWN = { name: "UnauthorizedError", message: /unknown or was revoked/ };

Deno.test("a key is its principal, and says whether it may name users", async () => {
  const keys = create();
  assert.deepEqual(await keys.identify({ token: WEB.secret }), {
    tenant_id: "default",
    key_id: "web",
    access: "user",
    scopes: [],
    may_assert_user: true,
  });
  assert.equal((await keys.identify({ token: OPS.secret })).tenant_id, "acme");
  const ann = await keys.identify({ token: ANN.secret });
  assert.deepEqual([ann.user_id, ann.may_assert_user, ann.scopes], ["ann", false, ["tools"]]);
});

Deno.test("no key and a wrong key are told apart, and the key is never quoted", async () => {
  const keys = create();
  for (const token of [undefined, ""]) {
    await assert.rejects(keys.identify({ token }), { name: "UnauthorizedError", message: /no key was sent/ });
  }
  await keys.identify({ token: WEB.secret });
  const wrong = ["sk_muxi_user_on", "sk_muxi_user_onf", "sk_muxi_user_one ", "x".repeat(100_000), "ü", "a.b.c"];
  for (const token of wrong) {
    await assert.rejects(keys.identify({ token }), (error: Error) => {
      assert.match(error.message, UNKNOWN.message);
      assert.ok(!error.message.includes(token) && JSON.stringify(error).indexOf(token) < 0);
      return true;
    });
  }
});

Deno.test("a key used before is found by the short way, with the same answer", async () => {
  const specs = Array.from(
    { length: 40 },
    (_, i): KeySpec => ({ key_id: `k${i}`, secret: `key-${i}`, access: "user" }),
  );
  const keys = create(specs);
  for (let round = 0; round < 3; round++) {
    for (const { key_id, secret } of specs) assert.equal((await keys.identify({ token: secret })).key_id, key_id);
  }
});

Deno.test("a key that vanished or changed is revoked at once, others go on", async () => {
  const keys = create();
  for (const { secret } of [WEB, OPS, ANN]) await keys.identify({ token: secret });
  const [web, ops, ann] = ["web", "ops", "ann"].map((key_id) => keys.signalFor(key_id));
  const replaced = keys.replace([WEB, { ...ANN, secret: "sk_muxi_user_ann2" }]);
  const late = keys.identify({ token: OPS.secret });
  await replaced;
  await assert.rejects(late, UNKNOWN);
  assert.deepEqual([web!.aborted, ops!.aborted, ann!.aborted], [false, true, true]);
  assert.match(String(ops!.reason), /The key "ops" was revoked/);
  await assert.rejects(keys.identify({ token: ANN.secret }), UNKNOWN);
  assert.equal((await keys.identify({ token: "sk_muxi_user_ann2" })).key_id, "ann");
  assert.equal((await keys.identify({ token: WEB.secret })).key_id, "web");
  assert.ok(keys.signalFor("ops").aborted, "an unknown key has no future");
  assert.ok(!keys.signalFor("ann").aborted, "the new key of the same name lives");
  assert.ok(!keys.signalFor("anonymous").aborted);
  assert.ok(keys.signalFor("jwt:x").aborted, "signed tokens are off");
});

Deno.test("a request under way while keys are replaced is not let in by the old ones", async () => {
  const keys = create();
  const early = keys.identify({ token: OPS.secret });
  const replaced = keys.replace([WEB]);
  await assert.rejects(early, UNKNOWN);
  await replaced;
});

Deno.test("changed rights revoke a key even when its secret stays", async () => {
  const keys = create();
  const signal = keys.signalFor("web");
  await keys.replace([{ ...WEB, scopes: ["tools"] }]);
  assert.deepEqual((await keys.identify({ token: WEB.secret })).scopes, ["tools"]);
  assert.ok(keys.signalFor("web") !== signal);
});

Deno.test("replacements follow each other in order, and a wrong one changes nothing", async () => {
  const keys = create();
  await Promise.all([keys.replace([OPS]), keys.replace([WEB])]);
  assert.equal((await keys.identify({ token: WEB.secret })).key_id, "web");
  await assert.rejects(keys.identify({ token: OPS.secret }), UNKNOWN);
  await assert.rejects(keys.replace([WEB, WEB]), { name: "ConfigurationError", message: /two keys named "web"/ });
  assert.equal((await keys.identify({ token: WEB.secret })).key_id, "web");
});

Deno.test("keys are tried before signed tokens, and each mode only lets in its own", async () => {
  const odd: KeySpec = { key_id: "odd", secret: "eyJa.eyJb.c", access: "user" };
  const seen: string[] = [];
  const tokens = {
    verify: async (token: string): Promise<Claims> => {
      seen.push(token);
      return { sub: "ann", iss: "issuer" };
    },
  };
  const both = new Keys({ keys: [odd], modes: ["apikey", "jwt"], tokens });
  assert.equal((await both.identify({ token: odd.secret })).key_id, "odd");
  assert.equal((await both.identify({ token: "eyJa.eyJb.d" })).key_id, "jwt:issuer");
  await assert.rejects(both.identify({ token: "plain" }), UNKNOWN);
  assert.deepEqual(seen, ["eyJa.eyJb.d"]);
  assert.ok(!both.signalFor("jwt:issuer").aborted);

  const only = new Keys({ keys: [WEB], modes: ["jwt"], tokens });
  await assert.rejects(only.identify({ token: WEB.secret }), UNKNOWN);
  assert.throws(() => new Keys({ keys: [], modes: ["jwt"] }), { name: "ConfigurationError" });
});

Deno.test("claims become a principal that can do no more than they say", () => {
  assert.deepEqual(toPrincipal({ sub: "ann", tenant_id: "acme", scope: "chat tools" }), {
    tenant_id: "acme",
    key_id: "jwt:jwt",
    user_id: "ann",
    access: "user",
    scopes: ["chat", "tools"],
    may_assert_user: false,
  });
  const admin = toPrincipal({ sub: "root", iss: "https://id", scope: "chat admin" });
  assert.deepEqual([admin.access, admin.key_id, admin.user_id], ["admin", "jwt:https://id:root", undefined]);
  assert.equal(toPrincipal({ sub: "ann", access: "user", scope: "admin" }).access, "user", "the claim decides");
  assert.equal(toPrincipal({ sub: "ann", scope: "administrator admin:read" }).access, "user");
  assert.equal(toPrincipal({ sub: "ann", scp: ["admin"] }).access, "admin");
});

Deno.test("claims that don't add up are refused", () => {
  const refused: Claims[] = [
    {},
    { sub: "" },
    { sub: "x".repeat(257) },
    { sub: 7 as unknown as string },
    { sub: "ann", tenant_id: ["acme"] },
    { sub: "ann", access: "root" },
    { sub: "ann", scope: { admin: true } },
  ];
  for (const claims of refused) {
    assert.throws(() => toPrincipal(claims), { name: "UnauthorizedError" }, JSON.stringify(claims));
  }
});

Deno.test("a new key says what it is for and is never the same", () => {
  const made = new Set(Array.from({ length: 100 }, () => generateKey("admin")));
  assert.equal(made.size, 100);
  for (const key of made) assert.match(key, /^sk_muxi_admin_[A-Za-z0-9]{32}$/);
  assert.match(generateKey("user"), /^sk_muxi_user_[A-Za-z0-9]{32}$/);
});

Deno.test("API_KEYS is read, its mistakes are explained without quoting keys", () => {
  assert.deepEqual(parseApiKeys(" web:user:se:cret , ops:admin:other,"), [
    { key_id: "web", access: "user", secret: "se:cret" },
    { key_id: "ops", access: "admin", secret: "other" },
  ]);
  assert.deepEqual(parseApiKeys(""), []);
  const mistakes: [string, RegExp][] = [
    ["sk_secret", /entry 1 of the API keys: expected "name:access:key"/],
    ["web:user:abc,sk_secret:web:user", /entry 2/],
    ["web:root:sk_secret", /entry 1/],
    ["web:user:", /the key "web": its secret must be/],
    ["a b:user:sk_secret", /its name must be/],
    ["anonymous:user:sk_secret", /"anonymous": it is reserved/],
    ["web:user:sk_secret,web:user:other", /two keys named "web"/],
    ["a:user:sk_secret,b:admin:sk_secret", /the keys "a" and "b" apart/],
  ];
  for (const [text, message] of mistakes) {
    assert.throws(() => parseApiKeys(text), (error: Error) => {
      assert.equal(error.name, "ConfigurationError");
      assert.match(error.message, message);
      assert.ok(!error.message.includes("sk_secret"), error.message);
      return true;
    });
  }
});

Deno.test("limits count applications by key, bound callers by user, strangers by network", () => {
  const base = { tenant_id: "default", scopes: [], access: "user" } as const;
  assert.equal(subjectOf({ ...base, key_id: "web", user_id: "ann", may_assert_user: true }, "192.0.2.1"), "web");
  assert.equal(
    subjectOf({ ...base, key_id: "jwt:i", user_id: "ann", may_assert_user: false }, "192.0.2.1"),
    "jwt:i ann",
  );
  const nobody = { ...base, access: "public", key_id: "anonymous", may_assert_user: false } as const;
  assert.equal(subjectOf(nobody, "192.0.2.1"), "address 192.0.2.1");
  assert.equal(subjectOf(nobody, "2001:db8::1"), subjectOf(nobody, "2001:db8:0:0:ffff::2"));
});

Deno.test("an IPv6 address stands for its first 64 bits", () => {
  assert.equal(networkOf("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  assert.equal(networkOf("2001:db8::7"), "2001:db8:0:0::/64");
  assert.equal(networkOf("::1"), "0:0:0:0::/64");
  assert.equal(networkOf("1::"), "1:0:0:0::/64");
  assert.equal(networkOf("192.0.2.1"), "192.0.2.1");
  assert.equal(networkOf("unknown"), "unknown");
});
