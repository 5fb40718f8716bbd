/**
 * The disk is full.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { startProcess } from "../support/store_process.ts";

Deno.test({
  name: "when the file can't grow, the commit is refused, nothing acknowledged is lost, and reads go on",
  ignore: Deno.build.os === "windows",
  async fn() {
    const dir = await Deno.makeTempDir({ prefix: "muxi-full-" });
    const path = join(dir, "muxi.db");
    try {
      // A process whose files may be 2 MB large meets the same error as one whose disk is full.
      await using filling = startProcess("fill", [path], { shell: "trap '' XFSZ; ulimit -f 4096" });
      const { acknowledged, rejected, readable } = JSON.parse(await filling.line() ?? "{}");
      assert.equal(rejected, "UnavailableError");
      assert.equal(readable, acknowledged);
      assert.ok(acknowledged > 10);
      await filling.line();
      await using other = startProcess("list", [path]);
      const seen: number[] = JSON.parse(await other.line() ?? "");
      assert.deepEqual(seen, Array.from({ length: acknowledged }, (_, n) => n + 1));
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
