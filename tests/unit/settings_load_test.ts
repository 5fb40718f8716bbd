/**
 * Where settings come from, and which source beats which.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { AppError } from "../../src/domain/error.ts";
import { type LoadedSettings, loadSettings, type SettingsInput } from "../../src/settings.ts";
import { readMcpServers } from "../../src/settings/mcp_servers.ts";
import { variablesOf } from "../../src/settings/variables.ts";
import { listSettings } from "../../src/settings/tree.ts";

interface Given extends Partial<Pick<SettingsInput, "args" | "env">> {
  files?: Record<string, string>;
}

function load({ args = {}, env = {}, files = {} }: Given): Promise<LoadedSettings> {
  const readTextFile = (path: string) => Promise.resolve(files[path.replace(/^\/work\//, "")]);
  return loadSettings({ args, env, readTextFile, cwd: "/work" });
}

async function problemsOf(given: Given): Promise<string[]> {
  try {
    await load(given);
  } catch (error) {
    assert.ok(error instanceof AppError);
    assert.equal(error.name, "ConfigurationError");
    const [, ...lines] = error.message.split("\n");
    assert.deepEqual(lines.map((line) => line.slice(2)), error.details?.problems);
    return error.details?.problems as string[];
  }
  return [];
}

const set = (path: string, value: string, flag = "--set") => ({ set: [{ path, value, flag }] });

Deno.test("without anything, every setting has its default", async () => {
  const { settings, origins, file } = await load({});
  assert.equal(settings.server.port, 8000);
  assert.equal(settings.limits.classes.run.burst, 500);
  assert.equal(settings.providers.ollama.base_url, "http://127.0.0.1:11434");
  assert.equal(origins.size, 0);
  assert.equal(file, null);
});

Deno.test("a flag beats the environment, which beats .env, which beats the file of settings", async () => {
  const files: Record<string, string> = { "config/muxi.yaml": "server:\n  port: 1" };
  assert.equal((await load({ files })).settings.server.port, 1);
  files[".env"] = "MUXI_SERVER_PORT=2";
  assert.equal((await load({ files })).settings.server.port, 2);
  const env = { MUXI_PORT: "3" };
  assert.equal((await load({ files, env })).settings.server.port, 3);
  const { settings, origins } = await load({ files, env, args: set("server.port", "4", "--port") });
  assert.equal(settings.server.port, 4);
  assert.equal(origins.get("server.port"), "--port");
});

Deno.test("a variable made from the path beats the well-known one", async () => {
  const { settings } = await load({ env: { MUXI_PORT: "1", MUXI_SERVER_PORT: "2" } });
  assert.equal(settings.server.port, 2);
});

Deno.test("no two settings share a variable", () => {
  const names = listSettings().flatMap(({ path }) => variablesOf(path));
  const distinct = new Set(names);
  assert.equal(distinct.size, names.length);
  for (const { path, secret } of listSettings()) {
    for (const name of variablesOf(path)) assert.ok(!secret || !distinct.has(`${name}_FILE`), name);
  }
});

Deno.test("text becomes what the setting wants", async () => {
  const { settings } = await load({
    env: {
      MUXI_LIMITS_ENABLED: "off",
      MUXI_LIMITS_WARN_BELOW: "0.5",
      MUXI_SERVER_TRUSTED_PROXIES: "10.0.0.0/8, ::1",
      MUXI_MODEL_FALLBACK: '["openai/gpt-4o"]',
      MUXI_LIMITS_OPERATIONS: '{"run_create": {"per_second": 5, "burst": 20}}',
      MUXI_SERVER_MAX_BODY_BYTES: "2_000_000",
    },
  });
  assert.equal(settings.limits.enabled, false);
  assert.equal(settings.limits.warn_below, 0.5);
  assert.deepEqual(settings.server.trusted_proxies, ["10.0.0.0/8", "::1"]);
  assert.deepEqual(settings.model.fallback, ["openai/gpt-4o"]);
  assert.deepEqual(settings.limits.operations, { run_create: { per_second: 5, burst: 20 } });
  assert.equal(settings.server.max_body_bytes, 2_000_000);
});

Deno.test("the variables people know are understood", async () => {
  const { settings } = await load({
    env: {
      MUXI_HOST: "0.0.0.0",
      MUXI_DATA_DIR: "/data",
      MUXI_USER_API_KEY: "u",
      MUXI_ADMIN_API_KEY: "a",
      MUXI_CORE_URI: "http://core:3000",
      MUXI_ENV: "production",
      DATABASE_URL: "sqlite:///data/app.db",
      REDIS_URL: "redis://r",
      AUTH_MODE: "apikey",
      API_KEYS: "web:user:one,ops:admin:t:wo",
      MODEL_PROVIDER: "openai",
      DEFAULT_MODEL: "gpt-4o",
      MCP_SERVERS: "servers.json",
      OPENAI_API_KEY: "sk-o",
      OPENAI_BASE_URL: "http://o",
      ANTHROPIC_API_KEY: "sk-a",
      GEMINI_API_KEY: "g",
      AZURE_OPENAI_API_KEY: "z",
      AZURE_OPENAI_ENDPOINT: "https://z.openai.azure.com",
      OLLAMA_HOST: "0.0.0.0",
      MUXI_PROVIDERS_GROQ_API_KEY: "q",
      MUXI_PROVIDERS_GROQ_BASE_URL: "https://api.groq.com/openai/v1",
    },
  });
  assert.equal(settings.server.host, "0.0.0.0");
  assert.equal(settings.data_dir, "/data");
  assert.equal(settings.auth.user_api_key, "u");
  assert.equal(settings.auth.admin_api_key, "a");
  assert.equal(settings.core_uri, "http://core:3000");
  assert.equal(settings.server.env, "production");
  assert.equal(settings.database.url, "sqlite:///data/app.db");
  assert.equal(settings.redis.url, "redis://r");
  assert.deepEqual(settings.auth.api_keys, ["web:user:one", "ops:admin:t:wo"]);
  assert.equal(settings.model.provider, "openai");
  assert.equal(settings.model.default_model, "gpt-4o");
  assert.equal(settings.mcp_servers, "servers.json");
  assert.deepEqual(settings.providers.openai, { api_key: "sk-o", base_url: "http://o", pictures: [] });
  assert.equal(settings.providers.anthropic.api_key, "sk-a");
  assert.equal(settings.providers.google.api_key, "g");
  assert.equal(settings.providers.azure.api_key, "z");
  assert.equal(settings.providers.azure.base_url, "https://z.openai.azure.com");
  assert.equal(settings.providers.ollama.base_url, "http://127.0.0.1:11434");
  assert.deepEqual(settings.providers.groq, { api_key: "q", base_url: "https://api.groq.com/openai/v1", pictures: [] });
});

Deno.test("OLLAMA_HOST is read as Ollama reads it", async () => {
  const read = async (OLLAMA_HOST: string) => (await load({ env: { OLLAMA_HOST } })).settings.providers.ollama.base_url;
  assert.equal(await read("gpu:8080"), "http://gpu:8080");
  assert.equal(await read("https://ollama.example.org"), "https://ollama.example.org");
  assert.equal(await read("http://gpu"), "http://gpu:11434");
});

Deno.test("what Kubernetes puts into the environment for a service named muxi is not ours", async () => {
  const env = {
    MUXI_PORT: "tcp://10.0.0.7:8000",
    MUXI_SERVICE_HOST: "10.0.0.7",
    MUXI_SERVICE_PORT_HTTP: "8000",
    MUXI_PORT_8000_TCP_ADDR: "10.0.0.7",
  };
  assert.equal((await load({ env })).settings.server.port, 8000);
});

Deno.test("an empty variable counts as not set", async () => {
  const files = { "config/muxi.yaml": "providers:\n  openai:\n    api_key: sk-file" };
  assert.equal((await load({ files, env: { OPENAI_API_KEY: "" } })).settings.providers.openai.api_key, "sk-file");
});

Deno.test("a secret may be in a file that a variable names", async () => {
  const files = { "/run/secrets/openai": "sk-o\n", "secrets/user": "key\r\n" };
  const env = { OPENAI_API_KEY_FILE: "/run/secrets/openai", MUXI_USER_API_KEY_FILE: "secrets/user" };
  const { settings } = await load({ files, env });
  assert.equal(settings.providers.openai.api_key, "sk-o");
  assert.equal(settings.auth.user_api_key, "key");
  assert.deepEqual(await problemsOf({ env: { OPENAI_API_KEY_FILE: "/none" } }), [
    'providers.openai.api_key (from OPENAI_API_KEY_FILE): cannot read the file "/none"',
  ]);
  assert.deepEqual(await problemsOf({ files, env: { ...env, OPENAI_API_KEY: "x" } }), [
    "providers.openai.api_key: both OPENAI_API_KEY and OPENAI_API_KEY_FILE are set: want one of them",
  ]);
});

Deno.test("a secret may be one of systemd's credentials", async () => {
  const files = { "/creds/muxi_admin_api_key": "one", "/creds/OPENAI_API_KEY": "two" };
  const { settings, origins } = await load({ files, env: { CREDENTIALS_DIRECTORY: "/creds" } });
  assert.equal(settings.auth.admin_api_key, "one");
  assert.equal(settings.providers.openai.api_key, "two");
  assert.equal(origins.get("auth.admin_api_key"), "the credential muxi_admin_api_key");
});

Deno.test("a file of settings may be YAML, JSON or an environment file", async () => {
  const files = {
    "a.yaml": "server: { port: 1 }",
    "b.json": '{\n\t"server": {"port": 2}\n}',
    "c.env": "MUXI_PORT=3",
    "d.conf": "# ours\nexport MUXI_PORT=4",
    "e.conf": "server:\n  port: 5",
    "f.conf": '{"server": {"port": 6}}',
  };
  for (const [index, config] of Object.keys(files).entries()) {
    const { settings, file } = await load({ files, args: { config } });
    assert.equal(settings.server.port, index + 1);
    assert.equal(file, config);
  }
  assert.equal((await load({ files, env: { MUXI_CONFIG: "b.json" } })).settings.server.port, 2);
  assert.deepEqual(await problemsOf({ args: { config: "none.yaml" } }), [
    'Cannot read the file "none.yaml": there is none',
  ]);
});

Deno.test("variables in files are expanded", async () => {
  const yaml = [
    "data_dir: ${BASE}/data",
    "server:",
    "  port: ${PORT:-9000}",
    "  cors:",
    "    origins: ['https://${NAME:-a}.org']",
    "agents:",
    "  file: $${BASE}",
  ].join("\n");
  const files = { "config/muxi.yaml": yaml, ".env": "BASE=/from/env\nNAME='${x}'\n" };
  const { settings, variables } = await load({ files, env: { PORT: "" } });
  assert.equal(settings.data_dir, "/from/env/data");
  assert.equal(settings.server.port, 9000);
  assert.equal(settings.agents.file, "${BASE}");
  assert.deepEqual(settings.server.cors.origins, ["https://${x}.org"]);
  assert.equal(variables.BASE, "/from/env");
});

Deno.test("a list of tool servers may name variables as hosts do, and keeps what is meant for others", async () => {
  const read = async (args: string[]) => {
    const yaml = `mcp_servers: ${JSON.stringify([{ name: "a", command: "sh", args }])}`;
    const { settings, variables } = await load({ files: { "config/muxi.yaml": yaml, ".env": "FOO=geheim\n" } });
    return (await readMcpServers(settings, variables)).servers[0]!.args;
  };
  assert.deepEqual(await read(["${FOO}", "${env:FOO}", "${env:NONE:-else}"]), ["geheim", "geheim", "else"]);
  assert.deepEqual(await read(["-c", "echo ${a%b}", "${x[1]}"]), ["-c", "echo ${a%b}", "${x[1]}"]);
  assert.deepEqual(await read(["$${FOO}", "$${env:FOO}", "$${a%b}"]), ["${FOO}", "${env:FOO}", "${a%b}"]);
  const unset = { files: { "config/muxi.yaml": 'mcp_servers: [{ name: a, command: "${env:NONE}" }]' } };
  assert.match((await problemsOf(unset))[0]!, /^mcp_servers .*: the variable NONE is not set$/);
  const other = { files: { "config/muxi.yaml": 'agents: { file: "${env:FOO}" }' } };
  assert.equal((await load(other)).settings.agents.file, "${env:FOO}");
});

Deno.test("everything that is wrong is told at once, with its place and what is wanted", async () => {
  const yaml = [
    "server:",
    "  prot: 1",
    "  port: 99999",
    "  env: staging",
    "  trusted_proxies: [10.0.0.0/64]",
    "data_dir: ${NOWHERE}/x",
    "log: loud",
    "auth:",
    "  user_api_key: [geheim]",
  ].join("\n");
  const problems = await problemsOf({
    files: { "config/muxi.yaml": yaml, ".env": "MUXI_SERVR_PORT=1\nnonsense" },
    env: { MUXI_LIMITS_ENABLED: "perhaps" },
    args: set("servr.port", "1"),
  });
  assert.deepEqual(problems, [
    ".env:2: cannot read this line: want NAME=value",
    "MUXI_SERVR_PORT (from MUXI_SERVR_PORT in .env:1): there is no such setting; did you mean MUXI_SERVER_PORT?",
    "server.prot (from config/muxi.yaml:2): there is no such setting; did you mean server.port?",
    "data_dir (from config/muxi.yaml:6): the variable NOWHERE is not set",
    "log (from config/muxi.yaml:7): want settings, one a line",
    "servr.port (from --set): there is no such setting; did you mean server.port?",
    "server.port = 99999 (from config/muxi.yaml:3): want a whole number from 0 to 65535",
    'server.env = "staging" (from config/muxi.yaml:4): want one of "development", "production"',
    'server.trusted_proxies = ["10.0.0.0/64"] (from config/muxi.yaml:5): want an address or a network such as 10.0.0.0/8',
    'auth.user_api_key = ["[masked]"] (from config/muxi.yaml:9): want text, in quotes where it looks like something else',
    'limits.enabled = "perhaps" (from MUXI_LIMITS_ENABLED): want true or false',
  ]);
});

Deno.test("a setting in the wrong place is found by its name", async () => {
  assert.deepEqual(await problemsOf({ args: set("trusted_proxies", "::1") }), [
    "trusted_proxies (from --set): there is no such setting; did you mean server.trusted_proxies?",
  ]);
});

Deno.test("no problem shows a secret", async () => {
  const env = {
    MUXI_ADMIN_API_KEY: "geheim with spaces",
    API_KEYS: "geheim",
    DATABASE_URL: "postgres://u:geheim@db/x",
  };
  const yaml = "providers:\n  openai:\n    api_key: geheim\n   broken: [geheim";
  const problems = [
    ...await problemsOf({ env }),
    ...await problemsOf({ env: { DATABASE_URL: env.DATABASE_URL } }),
    ...await problemsOf({ files: { "config/muxi.yaml": yaml } }),
  ];
  assert.ok(problems.length >= 4);
  assert.doesNotMatch(problems.join("\n"), /geheim/);
});

Deno.test("a file with too many aliases, or too long, is refused", async () => {
  const bomb =
    "a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c]";
  assert.deepEqual(await problemsOf({ files: { "config/muxi.yaml": bomb } }), [
    "config/muxi.yaml: cannot read it: too many aliases",
  ]);
  assert.deepEqual(await problemsOf({ files: { "config/muxi.yaml": "data_dir: *geheim" } }), [
    "config/muxi.yaml: cannot read it: an alias has no anchor: put text that begins with * in quotes",
  ]);
  const long = `# ${"x".repeat(1_048_576)}`;
  assert.match((await problemsOf({ files: { "config/muxi.yaml": long } }))[0]!, /want 1048576 at most/);
});

Deno.test("an environment file may have comments, quotes and values of several lines", async () => {
  const env = [
    "# comment",
    "export A=plain # comment",
    'B="two\\nlines # kept"',
    "C='${A} as it is'",
    'D="-----BEGIN',
    'END-----"',
    "E=${A}-${F:-f}",
    "G=",
    "H=a#b",
  ].join("\n");
  const { variables } = await load({ files: { ".env": env } });
  assert.deepEqual(variables, {
    A: "plain",
    B: "two\nlines # kept",
    C: "${A} as it is",
    D: "-----BEGIN\nEND-----",
    E: "plain-f",
    G: "",
    H: "a#b",
  });
});

Deno.test("every file that was read is told, by its whole path", async () => {
  const files = {
    ".env": "MUXI_ADMIN_API_KEY_FILE=admin.key",
    "admin.key": "a".repeat(32),
    "/run/openai": "sk",
    "mine.yaml": "server: {}",
  };
  const loaded = await load({ files, env: { OPENAI_API_KEY_FILE: "/run/openai" }, args: { config: "mine.yaml" } });
  assert.deepEqual(loaded.files.toSorted(), ["/run/openai", "/work/.env", "/work/admin.key", "/work/mine.yaml"]);
  assert.deepEqual((await load({})).files, []);
});
