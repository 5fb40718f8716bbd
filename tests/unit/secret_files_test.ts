import { strict as assert } from "node:assert";
import { resolve } from "node:path";
import { secretFilesOf } from "../../src/app/secret_files.ts";
import { Settings } from "../../src/settings/schema.ts";

const find = (settings: Record<string, unknown>, read: string[] = [], variables: Record<string, string> = {}) =>
  secretFilesOf(Settings.parse(settings), { read, variables, trusted: ["/etc/token"] });

Deno.test("files that hold secrets are those that the settings were read from, and those that they name", () => {
  const found = find(
    {
      data_dir: "/srv/muxi",
      server: { tls: { cert_file: "/tls/cert.pem", key_file: "/tls/key.pem" } },
      auth: { jwt: { jwks_file: "jwks.json" } },
      agents: { file: "/srv/agents.yaml" },
      mcp_servers: "/srv/servers.json",
      tools: { policies_file: "/srv/policies.yaml" },
      database: { url: "file:/db/muxi.db" },
    },
    ["/etc/muxi.env", "/srv/muxi/settings.yaml"],
    { CREDENTIALS_DIRECTORY: "/run/credentials/muxi" },
  );
  assert.deepEqual(
    found.toSorted(),
    [
      "/db/muxi.db",
      "/db/muxi.db-shm",
      "/db/muxi.db-wal",
      "/etc/muxi.env",
      "/etc/token",
      "/run/credentials/muxi",
      "/srv/agents.yaml",
      "/srv/muxi",
      "/srv/servers.json",
      "/tls/key.pem",
      resolve("jwks.json"),
    ].toSorted(),
  );
});

Deno.test("nothing is a file that only looks like one", () => {
  assert.deepEqual(
    find({ data_dir: "data", mcp_servers: ' [{"name": "a"}]' }).toSorted(),
    ["/etc/token", resolve("data")].toSorted(),
  );
});
