/**
 * What other processes do to a data folder while a test uses it: this file is
 * both the program they run and what starts it.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import Database from "libsql";
import { lockDataDir } from "../../src/adapters/libsql/owner_lock.ts";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { createLog } from "../../src/kit/log.ts";
import { event } from "../contracts/sample_rows.ts";

const PROGRAM = fileURLToPath(import.meta.url);

const COMMANDS: Record<string, (path: string, ...rest: string[]) => Promise<void>> = {
  /** Holds the write lock `times` times for `ms`, and writes a row each time. */
  async hold(path, times, ms) {
    const database = new Database(path, { timeout: 10_000 });
    for (let round = 1; round <= Number(times); round++) {
      database.exec("BEGIN IMMEDIATE");
      database.exec(`INSERT INTO events (run_id, seq) VALUES ('run_other', ${round})`);
      say(`held ${round}`);
      await pause(Number(ms));
      database.exec("COMMIT");
      await pause(60);
    }
  },
  /** Prints the `seq` of every event of `run_1`. */
  async list(path) {
    const database = new Database(path, { timeout: 10_000 });
    const rows = database.prepare("SELECT seq FROM events WHERE run_id = 'run_1' ORDER BY seq").all([]);
    say(JSON.stringify(rows.map((row) => (row as { seq: number }).seq)));
  },
  /** Commits until it is refused, and prints what was acknowledged and how the refusal is called. */
  async fill(path) {
    const log = createLog({ level: "error", format: "text", write: () => {} });
    await using store = await openLibsqlStore({ path, log });
    const data = JSON.stringify({ step_id: "step_1", text: "x".repeat(20_000) });
    for (let seq = 1;; seq++) {
      try {
        await store.commit({ writes: [{ insert: "events", rows: [{ ...event("run_1", seq), data }] }] });
      } catch (error) {
        const { rejected, readable } = {
          rejected: (error as Error).name,
          readable: (await store.read({ from: "events", limit: 10_000 })).length,
        };
        return say(JSON.stringify({ acknowledged: seq - 1, rejected, readable }));
      }
    }
  },
  /** Commits groups of rows for ever, and prints each `seq` once it is acknowledged. */
  async write(path) {
    const log = createLog({ level: "error", format: "text", write: () => {} });
    const store = await openLibsqlStore({ path, log });
    let seq = 0;
    const writer = async () => {
      for (;;) {
        const mine = ++seq;
        await store.commit({ writes: [{ insert: "events", rows: [event("run_1", mine)] }] });
        say(String(mine));
      }
    };
    await Promise.all([writer(), writer(), writer()]);
  },
  /** Takes a data folder until it is told to stop. */
  async own(path) {
    lockDataDir(path);
    say("locked");
    await Deno.stdin.read(new Uint8Array(1));
  },
};

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A process that was started. */
export interface StoreProcess extends AsyncDisposable {
  pid: number;
  /** The next line it prints; undefined at its end. */
  line(): Promise<string | undefined>;
  /** Ends it at once, as a power cut would. */
  kill(): Promise<void>;
}

/** Starts a process that does `command`. `shell` is what `sh` runs before it. */
export function startProcess(
  command: string,
  args: readonly string[],
  { shell }: { shell?: string } = {},
): StoreProcess {
  const run = [Deno.execPath(), "run", "--quiet", "-A", PROGRAM, command, ...args];
  const [program, ...rest] = shell === undefined ? run : ["sh", "-c", `${shell}; exec "$@"`, "sh", ...run];
  const child = new Deno.Command(program!, { args: rest, stdin: "piped", stdout: "piped", stderr: "inherit" }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const end = async () => {
    await child.stdin.abort().catch(() => {});
    await reader.cancel();
    await child.status;
  };
  return {
    pid: child.pid,
    async line() {
      while (!text.includes("\n")) {
        const { value, done } = await reader.read();
        if (done) return undefined;
        text += value;
      }
      const [line, ...more] = text.split("\n");
      text = more.join("\n");
      return line;
    },
    async kill() {
      child.kill("SIGKILL");
      await child.status;
    },
    [Symbol.asyncDispose]: end,
  };
}

if (import.meta.main) {
  const [command, path, ...rest] = Deno.args;
  await COMMANDS[command!]!(path!, ...rest);
  // A connection whose statements are not collected yet would keep its locks.
  Deno.exit(0);
}
