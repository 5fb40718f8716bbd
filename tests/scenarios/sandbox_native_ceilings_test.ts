/**
 * What a program may use up, and what is left of it when it is gone.
 *
 * @module
 */
import assert from "node:assert/strict";
import { sweepOwnFolders } from "../../src/adapters/sandbox/own_folder.ts";
import { python, startBoxed } from "../support/native_box.ts";

const HELPER = new URL("../support/native_inherit.ts", import.meta.url).pathname;

/** Processes of this machine whose command line holds `mark`. */
function alive(mark: string): string[] {
  return [...Deno.readDirSync("/proc")].filter(({ name }) => /^\d+$/.test(name)).flatMap(({ name }) => {
    try {
      const line = Deno.readTextFileSync(`/proc/${name}/cmdline`).replaceAll("\0", " ");
      return line.includes(mark) ? [line] : [];
    } catch {
      return [];
    }
  });
}

/** Where the files of the box are that runs as `pid`, once it has become the program that says so. */
async function folderOf(pid: number): Promise<string> {
  for (;;) {
    const line = (await Deno.readTextFile(`/proc/${pid}/cmdline`)).replaceAll("\0", " ");
    const [folder] = /\/\S*\/muxi-box-[\w-]+/.exec(line) ?? [];
    if (folder !== undefined) return folder;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** A number that no other test sleeps for. */
function mark(): string {
  return String(100_000_000 + crypto.getRandomValues(new Uint32Array(1))[0]! % 100_000_000);
}

Deno.test("a program that takes too much memory bit by bit is ended, and its end says why", async () => {
  const { end } = await python(
    "import time\nkept=[]\nwhile True: kept.append(bytearray(8_000_000)); time.sleep(0.05)",
    { profile: { memory_mb: 96 } },
  );
  assert.equal(end, "killed: memory");
});

Deno.test("processes that take too much memory together are ended", async () => {
  const lines = "import os,time\nfor _ in range(4): os.fork()\nkept=bytearray(30_000_000)\ntime.sleep(60)";
  const { end } = await python(lines, { profile: { memory_mb: 128 } });
  assert.equal(end, "killed: memory");
});

Deno.test("memory that processes share counts once", async () => {
  const lines = "import os,time\nkept=bytearray(60_000_000)\n" +
    "children=[os.fork() for _ in range(3)]\nif 0 in children: time.sleep(0.6); os._exit(0)\n" +
    "for child in children: os.waitpid(child,0)\nprint('fine')";
  const { said, end } = await python(lines, { profile: { memory_mb: 128 } });
  assert.deepEqual({ said, end }, { said: "fine", end: "exit code 0" });
});

Deno.test("a program that wants more memory at once than it may have is refused by the kernel", async () => {
  const { errors } = await python("bytearray(8_000_000_000)", { profile: { memory_mb: 64 } });
  assert.match(errors, /MemoryError/);
});

Deno.test("memory that belongs to no process cannot be had", async () => {
  const { said } = await python(
    "import os,ctypes\nlibc=ctypes.CDLL(None,use_errno=True)\n" +
      "try: os.memfd_create('x'); print('memfd')\nexcept OSError as error: print(error.errno)\n" +
      "print(libc.shmget(0,4096,0o1600), ctypes.get_errno())",
  );
  assert.equal(said, "38\n-1 38");
});

Deno.test("a fork bomb is ended whole", async () => {
  const seconds = mark();
  await using boxed = await startBoxed({
    command: "/bin/sh",
    args: ["-c", `bomb() { sleep ${seconds} & bomb & bomb; }; bomb`],
    profile: { processes: 20 },
  });
  assert.equal(await boxed.process.exited, "killed: processes");
  assert.deepEqual(alive(seconds), []);
});

Deno.test("temporary files end at their size, and so does everything else that is not a named folder", async () => {
  const lines = `
import os
for path in ["/tmp/full", "/dev/shm/full"]:
    try:
        with open(path, "wb") as file:
            while True: file.write(bytes(1_000_000))
    except OSError as error: print(path, error.errno, os.path.getsize(path) <= 4 * 2**20)
for folder in ["/", "/dev", "/run", "/etc", "/proc", "/usr", "/var"]:
    try: open(folder + "/guest", "wb"); print(folder)
    except OSError: pass
`;
  const { said } = await python(lines, { profile: { disk_mb: 4 } });
  assert.equal(said, "/tmp/full 28 True\n/dev/shm/full 28 True");
});

Deno.test("a folder that it may write has a ceiling, and each file in it", async () => {
  const dir = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "muxi-disk-" });
  try {
    const profile = { disk_mb: 4, write: [dir] };
    const one = await python(
      `try:\n  with open("${dir}/one", "wb", 0) as file:\n    while True: file.write(bytes(1_000_000))\n` +
        "except OSError as error: print(error.errno)",
      { profile },
    );
    // Python bears the signal and fails.
    assert.deepEqual([one.said, (await Deno.stat(`${dir}/one`)).size], ["27", 5 * 2 ** 20]);
    const many = await python(
      `import time\nfor i in range(100000):\n  open(f"{i:d}".join(["${dir}/", ""]), "wb").write(bytes(1_000_000))\n` +
        "  time.sleep(0.02)",
      { profile },
    );
    assert.equal(many.end, "killed: disk");
    // What has no name any more is still there while it is open; in its own folders it is bounded by their size.
    const nameless = await python(
      `import os,time\nkept=[]\nfor i in range(2000):\n  kept.append(open("${dir}/x","wb",0)); os.unlink("${dir}/x")\n` +
        "  kept[-1].write(bytes(1_000_000)); time.sleep(0.02)\nprint('all of it')",
      { profile },
    );
    assert.deepEqual([nameless.end, nameless.said], ["killed: disk", ""]);
    const temporary = await python(
      "import tempfile,time\nkept=tempfile.TemporaryFile()\nkept.write(bytes(3_500_000)); kept.flush(); time.sleep(1)\n" +
        `open("${dir}/y","wb").write(bytes(1_500_000)); time.sleep(1); print("fine")`,
      { profile },
    );
    assert.deepEqual([temporary.end, temporary.said], ["exit code 0", "fine"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("output that nobody reads stops the program, not us", async () => {
  await using boxed = await startBoxed({ command: "/bin/sh", args: ["-c", "yes & yes >&2 & wait"] });
  const reader = boxed.process.stdout.getReader();
  let seen = 0;
  while (seen < 5_000_000) seen += (await reader.read()).value!.length;
  reader.releaseLock();
  assert.equal(await boxed.process.kill(), "SIGTERM");
  assert(boxed.process.errors().length <= 8192);
});

Deno.test("what left its group, its session and its parent ends with it", async () => {
  const seconds = mark();
  const line = `trap "" TERM HUP INT; setsid sleep ${seconds} & (setsid setsid sleep ${seconds} &) ; ` +
    `nohup sleep ${seconds} >/dev/null 2>&1 & echo up; sleep ${seconds}`;
  const boxed = await startBoxed({ command: "/bin/sh", args: ["-c", line] });
  const reader = boxed.process.stdout.getReader();
  await reader.read();
  reader.releaseLock();
  assert.notDeepEqual(alive(seconds), []);
  assert.equal(await boxed.process.kill(), "SIGKILL");
  assert.deepEqual(alive(seconds), []);
});

Deno.test("what a program leaves behind ends with it", async () => {
  const seconds = mark();
  const { end, said } = await python(
    `import subprocess\nsubprocess.Popen(["setsid","sleep","${seconds}"],stdout=subprocess.DEVNULL,` +
      `stderr=subprocess.DEVNULL)\nprint("left")`,
  );
  assert.deepEqual({ end, said }, { end: "exit code 0", said: "left" });
  assert.deepEqual(alive(seconds), []);
});

Deno.test("a program ends with its signal, and leaves nothing in the folder of temporary files", async () => {
  const seconds = mark();
  const stop = new AbortController();
  const boxed = await startBoxed({
    command: "/bin/sleep",
    args: [seconds],
    profile: { net: ["example.com:443"] },
    signal: stop.signal,
  });
  const folder = await folderOf(boxed.process.pid);
  assert(await isThere(`${folder}/proxy.sock`));
  stop.abort();
  await boxed.process.exited;
  assert.deepEqual(alive(seconds), []);
  assert(!await isThere(folder));
});

Deno.test("a program ends with the process that started it, and what that left is swept up", async () => {
  const seconds = mark();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", HELPER, "/bin/sh", "-c", `echo up; sleep ${seconds}`],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  const [box] = Deno.readTextFileSync(`/proc/${child.pid}/task/${child.pid}/children`).split(" ");
  const folder = await folderOf(Number(box));
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  while (alive(seconds).length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  await sweepOwnFolders();
  assert(!await isThere(folder));
});

Deno.test("files that MUXI was given open by its starter reach no program", async () => {
  const line = `exec 7</etc/hostname; exec "$@"`;
  const list = "import os\nprint(sorted(os.listdir('/proc/self/fd')))";
  const { stdout } = await new Deno.Command("/bin/sh", {
    args: ["-c", line, "sh", Deno.execPath(), "run", "-A", HELPER, "/usr/bin/python3", "-c", list],
    stdin: "null",
  }).output();
  // The last one is that of looking.
  assert.equal(new TextDecoder().decode(stdout).trim(), "['0', '1', '2', '3']");
});

Deno.test("programs that are taken down while others are end by what ended them, and not by what watches them", async () => {
  const lines = `import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for _ in range(6):
    if os.fork() == 0: break
held = bytearray(20_000_000)
print("up", flush=True)
time.sleep(1000)`;
  const ends = await Promise.all(Array.from({ length: 12 }, async () => {
    await using boxed = await startBoxed({ command: "/usr/bin/python3", args: ["-c", lines] });
    const reader = boxed.process.stdout.getReader();
    await reader.read();
    reader.releaseLock();
    return await boxed.process.kill();
  }));
  assert.deepEqual([...new Set(ends)], ["SIGKILL"]);
});
