/**
 * What settings mean together.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { z } from "zod";
import { AppError } from "../../src/domain/error.ts";
import {
  checkProduction,
  diffSettings,
  findContradictions,
  toDatabase,
  toKeys,
  toMaskedSettings,
  toMissingKeys,
} from "../../src/settings/checks.ts";
import { Settings } from "../../src/settings/schema.ts";

const from = (input: z.input<typeof Settings>) => Settings.parse(input);
const long = (letter: string) => letter.repeat(24);

function reasonsOf(input: z.input<typeof Settings>): unknown {
  try {
    checkProduction(from(input));
  } catch (error) {
    assert.ok(error instanceof AppError);
    assert.equal(error.name, "ConfigurationError");
    return error.details?.problems;
  }
  return [];
}

Deno.test("development starts with nothing set", () => {
  assert.deepEqual(reasonsOf({}), []);
});

Deno.test("production names everything it refuses at once", () => {
  const server = { env: "production" as const };
  assert.deepEqual(reasonsOf({ server, auth: { user_api_key: "short" } }), [
    "auth.admin_api_key: is not set, and production uses no generated key",
    'The key "user" has 5 characters: want 24 or more',
    "server: speaks plain HTTP: want server.tls.cert_file and server.tls.key_file, or " +
    "server.behind_proxy_tls or server.trusted_proxies where a proxy speaks TLS in front",
  ]);
});

Deno.test("production accepts strong keys with TLS or a declared proxy", () => {
  const auth = { user_api_key: long("u"), admin_api_key: long("a") };
  const env = "production" as const;
  assert.deepEqual(reasonsOf({ server: { env, behind_proxy_tls: true }, auth }), []);
  assert.deepEqual(reasonsOf({ server: { env, trusted_proxies: ["10.0.0.0/8"] }, auth }), []);
  assert.deepEqual(reasonsOf({ server: { env, tls: { cert_file: "c", key_file: "k" } }, auth }), []);
  const keys = { api_keys: [`web:user:${long("u")}`, `ops:admin:${long("a")}`] };
  assert.deepEqual(reasonsOf({ server: { env, behind_proxy_tls: true }, auth: keys }), []);
  const jwt = { mode: "jwt" as const, jwt: { secret: "short" } };
  assert.deepEqual(reasonsOf({ server: { env, behind_proxy_tls: true }, auth: jwt }), [
    "auth.jwt.secret: has 5 characters: want 24 or more",
  ]);
});

Deno.test("keys are generated for what no key was given for", () => {
  assert.deepEqual(toMissingKeys(from({})), ["user", "admin"]);
  assert.deepEqual(toMissingKeys(from({ auth: { user_api_key: "u" } })), ["admin"]);
  assert.deepEqual(toMissingKeys(from({ auth: { api_keys: ["ops:admin:a:b"] } })), ["user"]);
  assert.deepEqual(toMissingKeys(from({ auth: { mode: "jwt" } })), []);
  const auth = { user_api_key: "u", api_keys: ["ops:admin:a:b", "web:user:c"], user_scopes: ["tools"] };
  assert.deepEqual(toKeys(from({ auth })), [
    { key_id: "user", access: "user", secret: "u", scopes: ["tools"] },
    { key_id: "ops", access: "admin", secret: "a:b" },
    { key_id: "web", access: "user", secret: "c", scopes: ["tools"] },
  ]);
});

Deno.test("what can't be together is told", () => {
  const found = findContradictions(from({
    server: { tls: { cert_file: "c" } },
    auth: { mode: "jwt", user_api_key: "x", admin_api_key: "x", api_keys: ["user:user:y", "system:user:z"] },
    database: { url: "libsql://x" },
  }));
  assert.deepEqual(found.map(({ path }) => path), [
    "database.url",
    "server.tls.cert_file",
    "auth.mode",
    "auth.admin_api_key",
    "auth.api_keys",
    "auth.api_keys",
  ]);
  assert.deepEqual(findContradictions(from({})), []);
});

Deno.test("the database is a file, named in any of the usual ways", () => {
  const path = (url: string) => toDatabase(from({ data_dir: "/data/", database: { url } })).path;
  assert.equal(path(""), "/data/muxi.db");
  assert.equal(path("file:app.db"), "app.db");
  assert.equal(path("file:/srv/app.db"), "/srv/app.db");
  assert.equal(path("file:///srv/app.db"), "/srv/app.db");
  assert.equal(path("sqlite:///data/app.db"), "data/app.db");
  assert.equal(path("sqlite:////data/app.db"), "/data/app.db");
  assert.deepEqual(toDatabase(from({ database: { encryption_key: "k" } })), {
    kind: "libsql",
    path: "./data/muxi.db",
    encryption_key: "k",
  });
  for (const url of ["libsql://x", "postgres://u:geheim@h/x", "mysql://x", "file::memory:", "file:x?mode=ro", "x.db"]) {
    assert.throws(() => path(url), (error: AppError) => {
      assert.equal(error.name, "ConfigurationError");
      assert.match(error.message, /want file:path or sqlite:\/\/\/path/);
      return !error.message.includes("geheim");
    });
  }
});

Deno.test("secrets are masked, and empty ones are seen to be empty", () => {
  const settings = from({
    auth: { user_api_key: "geheim", api_keys: ["web:user:ge:heim"], jwt: { secret: "geheim" } },
    database: { url: "postgres://u:geheim@h/x", encryption_key: "geheim" },
    redis: { url: "redis://:geheim@r" },
    mcp_servers: '{"key":"geheim"}',
    providers: { openai: { api_key: "geheim" }, groq: { api_key: "geheim", base_url: "https://u:geheim@groq" } },
  });
  const shown = toMaskedSettings(settings);
  assert.doesNotMatch(JSON.stringify(shown), /ge:?heim/);
  assert.equal(shown.auth.user_api_key, "[masked]");
  assert.equal(shown.auth.admin_api_key, "");
  assert.deepEqual(shown.auth.api_keys, ["web:user:[masked]"]);
  assert.equal(shown.providers.groq!.api_key, "[masked]");
  assert.deepEqual(shown.limits, settings.limits);
  assert.deepEqual(Object.keys(shown).sort(), Object.keys(settings).sort());
});

Deno.test("a change is told with what needs a restart", () => {
  const old = from({});
  assert.deepEqual(diffSettings(old, from({})), { changed: [], restart_required: [] });
  const next = from({
    server: { port: 9, cors: { origins: ["https://a.org"] } },
    auth: { user_api_key: "u" },
    limits: { classes: { run: { burst: 1 } } },
    providers: { groq: { api_key: "k" } },
    runs: { tool_timeout_seconds: 1, max_active: 1 },
    log: { level: "debug", format: "json" },
  });
  assert.deepEqual(diffSettings(old, next), {
    changed: [
      "server.port",
      "server.cors.origins",
      "auth.user_api_key",
      "limits.classes.run.burst",
      "runs.max_active",
      "runs.tool_timeout_seconds",
      "log.level",
      "log.format",
      "providers.groq.api_key",
      "providers.groq.base_url",
      "providers.groq.pictures",
    ],
    restart_required: ["server.port", "runs.max_active", "log.format"],
  });
});
