/**
 * A server's database, looked into by another process: nothing but the server may open it in this one.
 *
 * @module
 */
import { strict as assert } from "node:assert";

async function inDatabase(path: string, statements: string, given: readonly unknown[] = []): Promise<string> {
  const code = `import { DatabaseSync } from "node:sqlite";
    const database = new DatabaseSync(Deno.args[0]);
    const given = JSON.parse(Deno.args[1]);
    ${statements}`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, code);
    const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-config", file, path, JSON.stringify(given)],
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  } finally {
    await Deno.remove(file);
  }
}

/** Every row of every table, as text. */
export async function rowsOf(path: string): Promise<string[]> {
  const rows = await inDatabase(
    path,
    `const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    const rows = tables.flatMap(({ name }) =>
      database.prepare('SELECT * FROM "' + name + '"').all().map((row) => JSON.stringify({ name, row }, (_, value) =>
        value instanceof Uint8Array ? new TextDecoder().decode(value) : value)));
    console.log(JSON.stringify(rows));`,
  );
  return JSON.parse(rows);
}

/** Runs a statement, while no server has the database open. */
export async function runSql(path: string, statement: string, given: readonly unknown[] = []): Promise<void> {
  await inDatabase(path, `database.prepare(${JSON.stringify(statement)}).run(...given);`, given);
}
