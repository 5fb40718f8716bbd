/**
 * A data folder has one owner.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { lockDataDir } from "../../src/adapters/libsql/owner_lock.ts";
import { AppError } from "../../src/domain/error.ts";
import { startProcess } from "../support/store_process.ts";

async function withFolder(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "muxi-owner-" });
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("a second owner is told which process has the folder and what to do, until that process dies", () =>
  withFolder(async (dir) => {
    await using owner = startProcess("own", [dir]);
    assert.equal(await owner.line(), "locked");
    assert.throws(() => lockDataDir(dir), (error: unknown) => {
      assert.ok(error instanceof AppError);
      assert.equal(error.name, "UnavailableError");
      assert.equal(
        error.message,
        `Cannot use the data folder "${dir}": process ${owner.pid} uses it. ` +
          "Stop that process, or choose another folder with MUXI_DATA_DIR",
      );
      return true;
    });
    await owner.kill();
    using _lock = lockDataDir(dir);
  }));

Deno.test("a folder is free again once its lock is disposed of", () =>
  withFolder(async (dir) => {
    const lock = lockDataDir(dir);
    assert.throws(() => lockDataDir(dir), new RegExp(`process ${Deno.pid} uses it`));
    assert.equal((await Deno.readTextFile(join(dir, "muxi.lock"))).trim(), String(Deno.pid));
    lock[Symbol.dispose]();
    lock[Symbol.dispose]();
    using _again = lockDataDir(dir);
    assert.throws(() => lockDataDir(join(dir, "missing")), { name: "ConfigurationError" });
  }));
