import { strict as assert } from "node:assert";
import { takeInventory, whatIsNew } from "../../tools/leftovers.ts";
import { until } from "../support/story.ts";

/** A process whose parent has ended. */
async function startOrphan(): Promise<number> {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", "sleep 600 >&- 2>&- & echo $!"] }).output();
  const pid = Number(new TextDecoder().decode(stdout));
  // Until then it is a shell.
  await until("it sleeps", async () => (await Deno.readTextFile(`/proc/${pid}/cmdline`)).startsWith("sleep"));
  return pid;
}

Deno.test("what tests leave is named: folders, files of any name where all are ours, and processes", async () => {
  const before = await takeInventory();
  const dir = await Deno.makeTempDir({ prefix: "muxi-leftovers-" });
  const pid = await startOrphan();
  try {
    const left = whatIsNew(await takeInventory(), before);
    assert.ok(left.includes(dir), left.join("\n"));
    assert.ok(left.includes(`process ${pid}: sleep 600`), left.join("\n"));
  } finally {
    Deno.kill(pid, "SIGKILL");
    await Deno.remove(dir);
  }
  const left = whatIsNew(await takeInventory(), before);
  assert.ok(!left.includes(dir) && !left.some((one) => one.startsWith(`process ${pid}:`)), left.join("\n"));
});

Deno.test("the program ends with 1 and names a leftover, whatever its name, in a folder that is the tests' alone", async () => {
  const scratch = await Deno.makeTempDir({ prefix: "muxi-leftovers-" });
  const list = `${scratch}.json`;
  const tool = new URL("../../tools/leftovers.ts", import.meta.url).pathname;
  const run = async (...words: [verb: string, seconds?: string]) => {
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", tool, words[0], list, ...words.slice(1) as string[]],
      env: { TMPDIR: scratch },
    }).output();
    return { code, said: new TextDecoder().decode(stdout) };
  };
  try {
    assert.equal((await run("note")).code, 0);
    await Deno.writeTextFile(`${scratch}/8f3ab`, "");
    const { code, said } = await run("compare", "0");
    assert.equal(code, 1);
    assert.match(said, new RegExp(`^The tests left:\n[^]*  ${scratch}/8f3ab\n`));
  } finally {
    await Deno.remove(scratch, { recursive: true });
    await Deno.remove(list).catch(() => {});
  }
});
