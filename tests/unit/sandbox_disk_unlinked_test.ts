import { strict as assert } from "node:assert";
import { runConfined } from "../../src/adapters/sandbox/native_process.ts";
import { devicesOf, unlinkedBytes } from "../../src/adapters/sandbox/disk_unlinked.ts";
import { SandboxProfile } from "../../src/domain/policy.ts";
import { systemClock } from "../../src/kit/clock.ts";
import type { SandboxReport } from "../../src/ports/sandbox.ts";

const BYTES = 64 * 1024;
const OURS = [`/proc/${Deno.pid}`];

/** Files of this process that have no name any more, of 64 KiB each. */
async function holdNameless(count: number) {
  const dir = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "muxi-nameless-" });
  const files = await Promise.all(Array.from({ length: count }, async (_, i) => {
    const file = await Deno.open(`${dir}/${i}`, { write: true, createNew: true });
    await file.write(new Uint8Array(BYTES));
    await file.syncData();
    return file;
  }));
  await Deno.remove(dir, { recursive: true });
  return {
    [Symbol.dispose]: () => {
      for (const file of files) file.close();
    },
  };
}

Deno.test("what is open and has no name counts once, unless its device has a size of its own", async () => {
  const before = await unlinkedBytes(OURS, { apart: new Set(), enough: Infinity, files: 10_000 });
  using _ = await holdNameless(8);
  const all = { apart: new Set<number>(), enough: Infinity, files: 10_000 };
  assert.equal(await unlinkedBytes([...OURS, ...OURS, "/proc/gone"], all) - before, 8 * BYTES);
  const apart = await devicesOf("/var", ["/tmp", "/gone"]);
  assert.equal(apart.size, 1);
  assert.ok(await unlinkedBytes(OURS, { ...all, apart }) <= before);
});

Deno.test("looking for files without a name lets everything else go on", async () => {
  using _ = await holdNameless(100);
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  await unlinkedBytes(Array.from({ length: 20 }, () => OURS[0]!), {
    apart: new Set(),
    enough: Infinity,
    files: 10_000,
  });
  clearInterval(timer);
  assert.ok(turns > 0);
});

Deno.test("looking for files without a name ends once they are too many bytes, or were enough files", async () => {
  using _ = await holdNameless(50);
  const most = { apart: new Set<number>(), enough: Infinity, files: 10_000 };
  const enough = await unlinkedBytes(OURS, { ...most, enough: 5 * BYTES });
  assert.ok(enough > 5 * BYTES && enough < 50 * BYTES, String(enough));
  assert.ok(await unlinkedBytes(OURS, { ...most, files: 20 }) <= 20 * BYTES);
});

Deno.test("files that other programs hold count for no box that has no list of its own processes yet", async () => {
  using _ = await holdNameless(64);
  const dir = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "muxi-slow-start-" });
  let looks = 0;
  const looked = Promise.withResolvers<void>();
  const clock = {
    ...systemClock,
    now() {
      if (++looks > 4) looked.resolve();
      return systemClock.now();
    },
  };
  try {
    const process = await runConfined({
      command: "unshare",
      // As bubblewrap before it has mounted anything.
      args: ["--user", "--map-root-user", "--pid", "--fork", "--kill-child", "sleep", "1000"],
      env: { PATH: "/usr/bin:/bin" },
      cwd: "/",
      disk: [{ path: dir, bytes: 4096, largest: 0, entries: 1 }],
      scratch: [],
      overhead: { processes: 10, memory_mb: 64 },
      dispose: () => Promise.resolve(),
    }, {
      name: "guest",
      report: {} as SandboxReport,
      profile: SandboxProfile.parse({ disk_mb: 1 }),
      boxed: true,
      clock,
      signal: new AbortController().signal,
    });
    await Promise.race([looked.promise, process.exited]);
    assert.doesNotMatch(await process.kill(), /killed/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
