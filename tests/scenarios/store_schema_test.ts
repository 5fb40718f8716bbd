/**
 * The database's schema: what it is, how it grows, and that the common
 * questions have an index.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { COLUMNS, TABLE_NAMES } from "../../src/adapters/libsql/columns.ts";
import { Connection } from "../../src/adapters/libsql/connection.ts";
import { migrate, type Migration, MIGRATIONS, schemaVersion } from "../../src/adapters/libsql/migrations.ts";
import { toSelect, toSum } from "../../src/adapters/libsql/sql.ts";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { type Table, TABLES } from "../../src/domain/table.ts";
import { createLog } from "../../src/kit/log.ts";
import type { Query } from "../../src/ports/store.ts";
import { FULL_ROWS } from "../contracts/sample_rows.ts";
import { named } from "../contracts/store_contract.ts";

const log = createLog({ level: "error", format: "text", write: () => {} });

function openMigrated(): Connection & Disposable {
  const connection = new Connection({ path: ":memory:" });
  migrate(connection);
  return Object.assign(connection, { [Symbol.dispose]: () => connection.close() });
}

Deno.test("the migrations make exactly the columns of the row types, keyed as the domain says", () => {
  using connection = openMigrated();
  const sql = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name";
  const tables = connection.all({ sql, args: [] }).map(({ name }) => name);
  assert.deepEqual(tables, [...TABLE_NAMES, "schema_versions"].sort());
  for (const table of TABLE_NAMES) {
    const info = connection.all({ sql: `SELECT name, type, pk FROM pragma_table_info('${table}')`, args: [] });
    const made = Object.fromEntries(info.map(({ name, type }) => [name, type]));
    assert.deepEqual(made, { ...COLUMNS[table] }, table);
    assert.deepEqual(Object.keys(COLUMNS[table]).sort(), Object.keys(FULL_ROWS[table]).sort(), table);
    const key = info.filter(({ pk }) => Number(pk) > 0).sort((a, b) => Number(a.pk) - Number(b.pk));
    assert.deepEqual(key.map(({ name }) => name), [...TABLES[table].key], table);
  }
});

Deno.test("migrations are numbered from 1 without gaps", () => {
  assert.deepEqual(MIGRATIONS.map(({ version }) => version), MIGRATIONS.map((_, n) => n + 1));
});

Deno.test("a newer program upgrades the database, an older one refuses it and says both versions", async () => {
  const dir = await Deno.makeTempDir({ prefix: "muxi-schema-" });
  const path = join(dir, "muxi.db");
  const next = MIGRATIONS.length + 1;
  const newer: Migration[] = [...MIGRATIONS, {
    version: next,
    name: "shoe size",
    statements: ["ALTER TABLE users ADD COLUMN shoe_size INTEGER", "CREATE TABLE shoes (id TEXT)"],
  }];
  try {
    {
      await using store = await openLibsqlStore({ path, log });
      await store.commit({ writes: [{ insert: "users", rows: [FULL_ROWS.users] }] });
    }
    const broken = [...MIGRATIONS, {
      version: next,
      name: "broken",
      statements: ["CREATE TABLE shoes (id)", "CREATE"],
    }];
    await assert.rejects(openLibsqlStore({ path, log, migrations: broken }), /syntax|incomplete/);
    for (let start = 1; start <= 2; start++) {
      await using store = await openLibsqlStore({ path, log, migrations: newer });
      assert.deepEqual(await store.read({ from: "users", limit: 9 }), [FULL_ROWS.users]);
      assert.match((await store.check()).detail, new RegExp(`schema version ${next}`));
    }
    await assert.rejects(openLibsqlStore({ path, log }), (error: Error) => {
      assert.ok(named("ConfigurationError")(error));
      const sentence = `its schema is version ${next}, this program knows versions up to ${MIGRATIONS.length}`;
      assert.equal(error.message, `Cannot open the database: ${sentence}`);
      return true;
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("applying migrations twice changes nothing", () => {
  using connection = openMigrated();
  assert.deepEqual(migrate(connection), []);
  assert.equal(schemaVersion(connection), MIGRATIONS.length);
});

const tenant_id = "default";
const owner = { tenant_id, key_id: "key_1" };
const before = { lt: "2026-01-01" };

const ACCESS_PATHS: { [T in Table]?: Omit<Query<T>, "from" | "limit">[] } = {
  conversations: [
    { where: { id: "conv_1" } },
    { where: { ...owner, user_id: "anna", id: { lt: "conv_9" } }, order: [["id", "desc"]] },
    { where: { ...owner, user_id: null }, order: [["id", "desc"]] },
  ],
  messages: [
    { where: { conversation_id: "conv_1" }, order: [["turn", "asc"], ["id", "asc"]] },
    { where: { run_id: "run_1" } },
  ],
  runs: [
    { where: { conversation_id: "conv_1" }, order: [["turn", "desc"]] },
    { where: { status: { in: ["queued", "running"] }, lease_until: { lt: 1 } } },
    { where: owner, order: [["id", "desc"]] },
    { where: { ended_at: before }, order: [["ended_at", "asc"]] },
  ],
  steps: [{ where: { run_id: "run_1" } }],
  tool_calls: [
    { where: { run_id: "run_1" } },
    { where: { run_id: null, id: { lt: "tool_1" } }, order: [["id", "asc"]] },
  ],
  approvals: [
    { where: { status: "pending", expires_at: before } },
    { where: { run_id: "run_1" } },
    { where: { ...owner, status: "pending" }, order: [["id", "desc"]] },
  ],
  policies: [{ where: { id: "files" }, order: [["revision", "desc"]] }],
  model_calls: [{ where: { tenant_id, started_at: { gte: "2026" } } }, { where: { run_id: "run_1" } }],
  events: [{ where: { run_id: "run_1", seq: { gt: 3 } }, order: [["seq", "asc"]] }],
  idempotency: [{ where: { created_at: before } }],
  users: [{ where: { tenant_id }, order: [["user_id", "asc"]] }],
  files: [
    { where: owner, order: [["id", "desc"]] },
    { where: { user_id: "anna" } },
    { where: { created_at: before } },
  ],
  audit: [{ where: { tenant_id }, order: [["id", "desc"]] }, { where: { time: before } }],
  agents: [{ where: { tenant_id, id: "scout" } }, { where: { tenant_id }, order: [["id", "asc"]] }],
  agent_revisions: [{ where: { agent_id: "scout" }, order: [["revision", "desc"]] }],
};

Deno.test("what is asked for often is found and sorted by an index", () => {
  using connection = openMigrated();
  for (const [from, queries] of Object.entries(ACCESS_PATHS) as [Table, Omit<Query<Table>, "from" | "limit">[]][]) {
    for (const query of queries) {
      const { sql, args } = toSelect({ ...query, from, limit: 10 });
      const plan = connection.all({ sql: `EXPLAIN QUERY PLAN ${sql}`, args }).map(({ detail }) => String(detail));
      const said = `${sql}\n${plan.join("\n")}`;
      assert.ok(plan[0]?.startsWith(`SEARCH ${from} USING`), said);
      assert.ok(!plan.some((line) => line.includes("TEMP B-TREE")), said);
    }
  }
  const { sql, args } = toSum({ from: "model_calls", where: { run_id: "run_1" }, sum: ["cost"], by: [] });
  const [plan] = connection.all({ sql: `EXPLAIN QUERY PLAN ${sql}`, args });
  assert.match(String(plan?.detail), /^SEARCH model_calls USING INDEX/);
});
