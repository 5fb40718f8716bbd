/**
 * Tool servers that are killed, hang, restart, forget and talk nonsense, while they are used.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { freePort } from "../support/free_port.ts";
import { hasProgram } from "../support/parts.ts";
import { CHAOS_MODES, type ChaosMode } from "../support/mcp_chaos_server.ts";
import { selfSigned, startHttpUpstream } from "../support/mcp_client_http_server.ts";
import { pickSeed, Random } from "../support/random.ts";
import { ADMIN_KEY, startServer, type TestServer } from "../support/server.ts";
import { askAdmin, createAgent, type Json, until } from "../support/story.ts";

const PROGRAM = new URL("../support/mcp_chaos_server.ts", import.meta.url).pathname;
const EVENTS = 100;
const CALLERS = 6;
const NAMES = ["pipe", "spare", "web"] as const;

/** A folder with servers in it, and what they did. */
class Town implements AsyncDisposable {
  readonly dir = Deno.makeTempDirSync({ dir: "/var/tmp", prefix: "muxi-chaos-" });
  readonly port = freePort();
  #web: Deno.ChildProcess | undefined;

  constructor() {
    for (const name of NAMES) this.say(name, "ok");
  }

  /** Tells a server what to do from now on. */
  say(name: string, mode: ChaosMode): void {
    Deno.writeTextFileSync(`${this.dir}/${name}.mode`, mode);
  }

  /** Sends the program of `name` a signal, if it runs. */
  signal(name: string, signal: Deno.Signal): void {
    const pid = Number(Deno.readTextFileSync(`${this.dir}/${name}.pid`));
    // A number that was given to another program meanwhile is none of ours.
    if (!this.running().includes(pid)) return;
    try {
      Deno.kill(pid, signal);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  startWeb(): void {
    this.#web = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", PROGRAM, "http", this.dir, "web", String(this.port)],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  /** Ends the server at its port, and starts another. */
  async restartWeb(): Promise<void> {
    await this.stopWeb();
    this.startWeb();
  }

  /** Whether the server at the port answers. */
  async webListens(): Promise<boolean> {
    try {
      using _ = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
      return true;
    } catch {
      return false;
    }
  }

  async stopWeb(): Promise<void> {
    const web = this.#web;
    this.#web = undefined;
    try {
      web?.kill("SIGKILL");
    } catch {
      // It ended by itself.
    }
    await web?.status;
  }

  /** Whether the server at the port ended by itself. */
  async #ended(): Promise<boolean> {
    const ended = Symbol();
    return await Promise.race([this.#web?.status ?? ended, Promise.resolve(ended)]) !== ended;
  }

  /** Starts the server at the port again where it died. */
  async reviveWeb(): Promise<void> {
    if (await this.#ended()) await this.restartWeb();
  }

  /** What was done, by `tool id`. */
  ledger(name: string): string[] {
    try {
      return Deno.readTextFileSync(`${this.dir}/${name}.ledger`).split("\n").filter((line) => line !== "");
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  /** Processes of this town that still run. */
  running(): number[] {
    const pids = Deno.readTextFileSync(`${this.dir}/pids`).split("\n").filter((line) => line !== "").map(Number);
    return pids.filter((pid) => {
      try {
        const line = Deno.readTextFileSync(`/proc/${pid}/cmdline`);
        return line.includes(this.dir);
      } catch {
        return false;
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopWeb();
    await Deno.remove(this.dir, { recursive: true });
  }
}

async function startTown(town: Town): Promise<TestServer> {
  const policies_file = `${town.dir}/policies.yaml`;
  await Deno.writeTextFile(
    policies_file,
    "policies:\n  chaos:\n    servers: [pipe, spare]\n    sandbox: { unsandboxed: true }\n",
  );
  const program = (name: string) => ({
    name,
    command: Deno.execPath(),
    args: ["run", "--quiet", "-A", PROGRAM, "stdio", town.dir, name],
  });
  return await startServer({
    settings: {
      mcp_servers: [program("pipe"), program("spare"), { name: "web", url: `http://127.0.0.1:${town.port}/mcp` }],
      runs: { tool_timeout_seconds: 2 },
      tools: { policies_file, retry_seconds: 1, rest_seconds: 1, health_seconds: 1 },
    },
    variables: Deno.env.toObject(),
  });
}

/** What may go wrong with a call, to be told to whoever made it. */
const ERRORS = ["UpstreamError", "TimeoutError", "UnavailableError"];

Deno.test("whatever happens to tool servers, calls succeed or say what is wrong, none hangs, none is made twice", async () => {
  const seed = pickSeed();
  const random = new Random(seed);
  await using town = new Town();
  town.startWeb();
  const story: string[] = [];
  const succeeded: [string, string][] = [];
  const failures = new Map<string, number>();
  {
    await using server = await startTown(town);
    await createAgent(server, "worker", { mcp_servers: NAMES.map((name) => ({ name })), allowed_tools: ["*"] });
    const views = async (): Promise<Json[]> => (await askAdmin(server, "GET /agents/worker/mcp_servers")).data;
    await until("all are up", async () => (await views()).every(({ state }) => state === "ready"));

    let calling = true;
    let count = 0;
    const call = async () => {
      const name = random.pick(NAMES);
      const tool = random.pick(["write", "read"]);
      const id = `${++count}`;
      const response = await server.request("POST", `/tools/${name}__${tool}/invoke`, {
        key: ADMIN_KEY,
        body: { arguments: { id } },
      });
      const answer = await response.json();
      if (response.ok && !answer.result.is_error) {
        assert.equal(answer.result.content[0].text, `${tool} ${id}`, "the answer of another call");
        if (tool === "write") succeeded.push([name, id]);
        return;
      }
      assert.ok(ERRORS.includes(answer.error), JSON.stringify(answer));
      assert.match(answer.message, new RegExp(name), "it doesn't say which server");
      failures.set(answer.error, (failures.get(answer.error) ?? 0) + 1);
    };
    const caller = async () => {
      while (calling) {
        await call();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    const callers = Array.from({ length: CALLERS }, caller);

    const act: Record<string, (name: typeof NAMES[number]) => Promise<void> | void> = {
      kill: (name) => name === "web" ? town.restartWeb() : town.signal(name, "SIGKILL"),
      freeze: (name) => town.signal(name, "SIGSTOP"),
      thaw: (name) => town.signal(name, "SIGCONT"),
      away: (name) => name === "web" ? town.stopWeb() : town.signal(name, "SIGTERM"),
      change: (name) => name === "web" ? undefined : town.signal(name, "SIGUSR1"),
      restart: async (name) => {
        await askAdmin(server, `POST /agents/worker/mcp_servers/${name}/restart`);
      },
    };
    for (let i = 0; i < EVENTS; i++) {
      const name = random.pick(NAMES);
      const doing = random.pick([...CHAOS_MODES, ...Object.keys(act)]);
      story.push(`${name} ${doing}`);
      if (doing in act) await act[doing]!(name);
      else town.say(name, doing as ChaosMode);
      await new Promise((resolve) => setTimeout(resolve, random.whole(20, 250)));
      if (random.chance(0.5)) town.say(name, "ok");
      await town.reviveWeb();
    }
    for (const name of NAMES) {
      town.say(name, "ok");
      town.signal(name, "SIGCONT");
    }
    await town.restartWeb();
    // It may be counted as well until somebody calls it in vain.
    await until("the server at the port is back", () => town.webListens());
    calling = false;
    const settled = await Promise.allSettled(callers);
    for (const one of settled) if (one.status === "rejected") assert.fail(`Seed ${seed}: ${one.reason}`);

    // What happened can be seen, and everybody is well again.
    for (const name of NAMES) {
      const view = (await views()).find((one) => one.name === name);
      assert.ok(view.failures > 0 && view.last_error !== null, `Seed ${seed}: ${JSON.stringify(view)}`);
    }
    await until("all are up again", async () => (await views()).every(({ state }) => state === "ready"));
    for (const name of NAMES) {
      const answer = await askAdmin(server, `POST /tools/${name}__write/invoke`, {
        body: { arguments: { id: "last" } },
      });
      assert.equal(answer.result.content[0].text, "write last", `Seed ${seed}`);
    }
  }
  for (const name of NAMES) {
    const writes = town.ledger(name).filter((line) => line.startsWith("write "));
    assert.equal(new Set(writes).size, writes.length, `Seed ${seed}: "${name}" did something twice`);
    for (const [server, id] of succeeded) {
      assert.ok(server !== name || writes.includes(`write ${id}`), `Seed ${seed}: write ${id} was never made`);
    }
  }
  assert.ok(succeeded.length > 0 && failures.size > 0, `Seed ${seed}: nothing happened: ${story.join(", ")}`);
  await town.stopWeb();
  assert.deepEqual(town.running(), [], `Seed ${seed}: programs are left`);
});

Deno.test({
  name: "a certificate that nobody trusts is told, and nothing is said to it",
  ignore: !hasProgram("openssl"),
  async fn() {
    await using upstream = startHttpUpstream(() => undefined, { tls: await selfSigned() });
    await using server = await startServer({ settings: { mcp_servers: [{ name: "vault", url: upstream.url }] } });
    await createAgent(server, "worker", { mcp_servers: [{ name: "vault" }], allowed_tools: ["*"] });
    const view = await until("it was tried", async () => {
      const { data: [view] } = await askAdmin(server, "GET /agents/worker/mcp_servers");
      return view.state === "connecting" ? undefined : view;
    });
    assert.equal(view.state, "backing_off");
    assert.match(view.reason, /"vault".*certificate/);
    assert.deepEqual(upstream.heard, [], "nothing is said to whom nobody trusts");
  },
});
