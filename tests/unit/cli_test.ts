/**
 * The command line: what is understood, what is refused, and how it ends.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { AppError, ERROR_STATUS, type ErrorName } from "../../src/domain/error.ts";
import { runCli } from "../../src/transports/cli/cli.ts";
import { nameOf } from "../../src/transports/cli/command.ts";
import { COMMANDS } from "../../src/transports/cli/commands.ts";
import { deriveCommands } from "../../src/transports/cli/derived/derive.ts";
import { toExitCode } from "../../src/transports/cli/exit.ts";
import { optionsOf } from "../../src/transports/cli/options.ts";
import type { GivenSettings } from "../../src/transports/cli/given.ts";
import { OutputClosed } from "../../src/transports/cli/terminal.ts";
import type { Verbs } from "../../src/transports/cli/verbs.ts";
import { fakeTerminal, type FakeTerminalOptions } from "../support/terminal.ts";

const ALL = [...COMMANDS, ...deriveCommands(COMMANDS)];

interface Ran {
  code: number;
  out: string;
  err: string;
}

async function run(
  args: string[],
  verbs: Partial<Verbs> = {},
  { env = {}, ...options }: FakeTerminalOptions & { env?: Record<string, string> } = {},
): Promise<Ran> {
  const terminal = fakeTerminal(options);
  const code = await runCli({ args, version: "1.2.3", env, verbs: verbs as Verbs, terminal });
  return { code, out: terminal.shown, err: terminal.complaints };
}

async function refusal(...args: string[]): Promise<string> {
  const { code, err } = await run(args);
  assert.equal(code, 64, err);
  return err.replace("muxi: ", "").replace(/\nTry "muxi help[^"]*"\n$/, "");
}

/** The settings that `serve` is told when it is started with `args`. */
async function servedWith(args: string[]): Promise<GivenSettings | undefined> {
  let given: GivenSettings | undefined;
  const { code, err } = await run(args, { serve: (settings) => Promise.resolve(void (given = settings)) });
  assert.equal(code, 0, err);
  return given;
}

Deno.test("without a command the server starts", async () => {
  assert.deepEqual(await servedWith([]), { config: undefined, set: [] });
  const args = ["-p", "0", "--host=::1", "--config", "a.yaml", "--set", "a.b=c=d", "--set", "e.f=-x"];
  const expected = {
    config: "a.yaml",
    set: [
      { path: "server.port", value: "0", flag: "-p" },
      { path: "server.host", value: "::1", flag: "--host" },
      { path: "a.b", value: "c=d", flag: "--set" },
      { path: "e.f", value: "-x", flag: "--set" },
    ],
  };
  assert.deepEqual(await servedWith(args), expected);
  assert.deepEqual(await servedWith(["serve", ...args]), expected);
  assert.deepEqual(await servedWith([...args, "serve"]), expected);
});

Deno.test("options stand before a command, between its words, and behind it", async () => {
  const seen: unknown[] = [];
  const verbs: Partial<Verbs> = {
    restore: (given, { src, force }) => {
      seen.push([src, force, given.set.map(({ value }) => value)]);
      return Promise.resolve({ path: "p", files: 1, bytes: 1 });
    },
  };
  for (
    const args of [["--force", "restore", "--data-dir", "d", "src"], ["restore", "src", "--data-dir=d", "--force"]]
  ) {
    assert.equal((await run(args, verbs)).code, 0);
  }
  await run(["restore", "--", "--odd"], verbs);
  assert.deepEqual(seen, [["src", true, ["d"]], ["src", true, ["d"]], ["--odd", false, []]]);
});

Deno.test("what makes no sense is refused with what was wanted", async () => {
  assert.equal(await refusal("sevre"), 'There is no command "sevre"; did you mean "muxi serve"?');
  assert.equal(await refusal("config", "prnt"), 'There is no command "config prnt"; did you mean "muxi config print"?');
  assert.equal(await refusal("config"), '"muxi config" needs more: want one of print, check, get, reload');
  assert.equal(await refusal("run", "list"), 'There is no command "run"; did you mean "muxi runs list"?');
  assert.equal(await refusal("--prot"), 'The command "serve" has no option "--prot"; did you mean --port?');
  assert.equal(await refusal("--prot", "1"), 'There is no option "--prot"; did you mean --port?');
  assert.equal(await refusal("--port"), 'The option "--port" needs a value: want --port PORT');
  assert.equal(await refusal("--host", "--set"), 'The option "--host" needs a value: want --host HOST');
  assert.equal(await refusal("version", "--json=1"), 'The option "--json" takes no value');
  assert.equal(await refusal("--set", "x"), 'Cannot read "--set x": want --set PATH=VALUE');
  assert.equal(await refusal("backup"), 'The command "backup" needs DEST: want muxi backup DEST');
  assert.equal(await refusal("backup", "a", "b"), 'The command "backup" has no use for "b"');
  assert.equal(await refusal("serve", "--force"), 'The command "serve" has no option "--force"');
  assert.equal(await refusal("zzzzzz"), 'There is no command "zzzzzz"');
  assert.equal(await refusal("help", "backpu"), 'There is no command "backpu"; did you mean "muxi backup"?');
  assert.equal(await refusal("constructor"), 'There is no command "constructor"');
  assert.equal(await refusal("--constructor"), 'The command "serve" has no option "--constructor"');
  assert.match(
    await refusal("runs", "list", "--status", "complete"),
    /can't be "complete".*did you mean "completed"\?$/,
  );
  assert.equal(await refusal("completion", "tcsh"), 'There is no completion for "tcsh": want one of bash, zsh, fish');
});

Deno.test("a refusal names the help that explains it", async () => {
  const hint = async (...args: string[]) => (await run(args)).err.split("\n").at(-2);
  assert.equal(await hint("runs", "list", "--stauts", "x"), 'Try "muxi help runs list"');
  assert.equal(await hint("chat-send"), 'Try "muxi help chat-send"');
  assert.equal(await hint("--prot"), 'Try "muxi help serve"');
  for (const args of [["zzzzzz"], ["help", "backpu"], ["--prot", "1"], ["runs"]]) {
    assert.equal(await hint(...args), 'Try "muxi help"');
  }
});

Deno.test("help is understood wherever it is asked for", async () => {
  const overview = (await run(["help"])).out;
  assert.equal((await run(["--help"])).out, overview);
  assert.equal((await run(["-h"])).out, overview);
  const agents = (await run(["help", "agents"])).out;
  assert.match(agents, /Usage: muxi agents COMMAND/);
  assert.equal((await run(["agents", "--help"])).out, agents);
  const list = (await run(["help", "agents", "list"])).out;
  assert.match(list, /Usage: muxi agents list \[OPTIONS\]/);
  assert.equal((await run(["agents", "list", "--help"])).out, list);
  assert.match((await run(["backup", "--help"])).out, /Usage: muxi backup DEST/);
});

Deno.test("every command has help with all its options, which fits the terminal", async () => {
  const overview = await run(["help"]);
  for (const command of ALL) {
    const { examples = [] } = command;
    assert.ok(overview.out.includes(`  ${command.words[0]}`), nameOf(command));
    for (const columns of [80, 40, 200]) {
      const { code, out } = await run(["help", ...command.words], {}, { columns });
      assert.equal(code, 0);
      assert.ok(out.includes(`Usage: muxi ${nameOf(command)}`), out);
      for (const { name } of optionsOf(command)) {
        assert.match(out, new RegExp(`--(\\[no-\\])?${name}\\b`), nameOf(command));
      }
      // What is to be copied, and a single name, is in one piece on the narrowest terminal, too.
      const whole = (line: string) =>
        /^Usage:/.test(line) ||
        columns < 80 && (examples.includes(line.trim()) || /^ +(-\w, )?--\S+( \S+)?$/.test(line));
      for (const line of out.split("\n")) {
        assert.ok(whole(line) || line.length <= Math.min(columns, 100), `${nameOf(command)} ${columns}: ${line}`);
      }
    }
  }
  for (const line of overview.out.split("\n")) assert.ok(line.length <= 80, line);
});

Deno.test("no option of a command stands for two things", () => {
  for (const command of ALL) {
    const names = optionsOf(command).flatMap(({ name, short }) => short === undefined ? [name] : [name, short]);
    assert.equal(new Set(names).size, names.length, nameOf(command));
  }
  const names = ALL.map(nameOf);
  assert.equal(new Set(names).size, names.length);
  // The words of a command line can be found before its command is known.
  const kinds = new Map<string, boolean>();
  for (const { name, value } of ALL.flatMap(optionsOf)) {
    assert.equal(kinds.get(name) ?? value !== undefined, value !== undefined, `--${name}`);
    kinds.set(name, value !== undefined);
  }
});

Deno.test("the exit code says how it ended", async () => {
  const fail = (error: Error) => ({ serve: () => Promise.reject(error) });
  assert.equal((await run(["version"])).code, 0);
  assert.equal((await run(["sevre"])).code, 64);
  assert.equal((await run([], fail(new Error("x")))).code, 70);
  const expected: Partial<Record<ErrorName, number>> = {
    ValidationError: 65,
    RunNotFoundError: 66,
    UnavailableError: 69,
    UpstreamError: 69,
    ConflictError: 73,
    TimeoutError: 75,
    TooManyRequestsError: 75,
    UnauthorizedError: 77,
    ForbiddenError: 77,
    ConfigurationError: 78,
    CancelledError: 130,
  };
  for (const [name, code] of Object.entries(expected)) {
    assert.equal((await run([], fail(new AppError(name as ErrorName, "x")))).code, code, name);
  }
  for (const name of Object.keys(ERROR_STATUS)) assert.ok(toExitCode(name as ErrorName) > 63, name);
  assert.deepEqual(await run([], fail(new OutputClosed())), { code: 141, out: "", err: "" });
});

Deno.test("errors go to the standard error, for people or for machines, and never with a key", async () => {
  const verbs = { serve: () => Promise.reject(new AppError("ConfigurationError", 'Cannot read "x"')) };
  assert.deepEqual(await run(["serve"], verbs), { code: 78, out: "", err: 'muxi: Cannot read "x"\n' });
  const { err } = await run(["config", "check", "--json"], { configCheck: verbs.serve });
  assert.deepEqual(JSON.parse(err), { error: "ConfigurationError", message: 'Cannot read "x"' });
  const leaky = await run([], { serve: () => Promise.reject(new Error("with sk_muxi_user_abcdefghijkl")) });
  assert.match(leaky.err, /^muxi: Something went wrong: Error: with \[masked\]/);
  const hidden = AppError.from(new TypeError("the real one"));
  assert.match((await run([], { serve: () => Promise.reject(hidden) })).err, /TypeError: the real one/);
  const broken = new AppError("UpstreamError", "It broke off", { details: { run_id: "run_1", last: 7 } });
  const { err: hint } = await run([], { serve: () => Promise.reject(broken) });
  assert.equal(hint, 'muxi: It broke off\nGo on with "muxi runs events run_1 --starting-after 7"\n');
});

Deno.test("commands answer in words, or in JSON", async () => {
  assert.equal((await run(["version"])).out, "muxi 1.2.3\n");
  assert.equal((await run(["--version"])).out, "muxi 1.2.3\n");
  assert.equal((await run(["-V", "--json"])).out, '{"version":"1.2.3"}\n');
  const report = { path: "/b", files: 2, bytes: 1536, moved_to: "/old" };
  const verbs: Partial<Verbs> = {
    backup: (_, { dest }) => Promise.resolve({ ...report, path: dest, files: 1, moved_to: undefined }),
    restore: () => Promise.resolve(report),
    configPrint: () => Promise.resolve({ text: "a: 1\n", settings: { a: 1 }, origins: { a: "--a" }, file: null }),
    configCheck: () => Promise.resolve({ file: "x.yaml", notes: ["A note"] }),
    openapi: () => Promise.resolve({ openapi: "3.1.0" }),
  };
  assert.equal((await run(["backup", "/b"], verbs)).out, 'Backed up 1 file, 1.5 KiB, to "/b"\n');
  assert.equal(
    (await run(["restore", "/s"], verbs)).out,
    'Restored 2 files, 1.5 KiB, to "/b"\nWhat was there before is in "/old"\n',
  );
  assert.deepEqual(JSON.parse((await run(["restore", "/s", "--json"], verbs)).out), report);
  assert.equal((await run(["config", "print"], verbs)).out, "a: 1\n");
  assert.deepEqual(JSON.parse((await run(["config", "print", "--json"], verbs)).out), {
    settings: { a: 1 },
    origins: { a: "--a" },
    file: null,
  });
  assert.equal((await run(["config", "check"], verbs)).out, "The settings are good (read from x.yaml)\n  A note\n");
  assert.equal((await run(["openapi"], verbs)).out, '{\n  "openapi": "3.1.0"\n}\n');
});

Deno.test("progress is for a person who watches", async () => {
  const verbs: Partial<Verbs> = {
    backup: (_, { dest, onProgress }) => {
      onProgress({ name: "muxi.db", done: 1, total: 2 });
      onProgress({ name: "", done: 2, total: 2 });
      return Promise.resolve({ path: dest, files: 2, bytes: 1 });
    },
  };
  assert.equal((await run(["backup", "/b"], verbs, { isTerminal: true })).err, "\r\x1b[K1/2 muxi.db\r\x1b[K");
  assert.equal((await run(["backup", "/b"], verbs)).err, "");
  assert.equal((await run(["backup", "/b", "--json"], verbs, { isTerminal: true })).err, "");
});

Deno.test("colours are for terminals, and for those who want them", async () => {
  // deno-lint-ignore no-control-regex
  const colored = /\x1b\[/;
  const isTerminal = true;
  assert.match((await run(["help"], {}, { isTerminal })).out, colored);
  assert.doesNotMatch((await run(["help"])).out, colored);
  assert.doesNotMatch((await run(["help", "--no-color"], {}, { isTerminal })).out, colored);
  assert.doesNotMatch((await run(["help"], {}, { isTerminal, env: { NO_COLOR: "1" } })).out, colored);
  assert.doesNotMatch((await run(["help"], {}, { isTerminal, env: { TERM: "dumb" } })).out, colored);
});
