import { strict as assert } from "node:assert";
import { BrokerSession } from "../../src/adapters/sandbox/broker_session.ts";
import { Pace } from "../../src/adapters/sandbox/pace.ts";
import { Tally } from "../../src/adapters/sandbox/tally.ts";
import { systemClock } from "../../src/kit/clock.ts";

/** A session over a real socket, and what it told. */
async function open() {
  const dir = await Deno.makeTempDir({ prefix: "muxi-test-" });
  const listener = Deno.listen({ transport: "unix", path: `${dir}/broker.sock` });
  const [ours, theirs] = await Promise.all([
    listener.accept(),
    Deno.connect({ transport: "unix", path: `${dir}/broker.sock` }),
  ]);
  listener.close();
  const over = new AbortController();
  const told: string[] = [];
  const session = new BrokerSession({
    rules: {
      server: "stranger",
      policy: "strict",
      boxed: false,
      read: ["/srv"],
      write: [],
      own_read: [],
      own_write: [],
      shared: false,
      packages: [],
      own_folders: [],
      named: [],
      hidden: [],
      net: [],
      relays: [],
      sys: [],
      run: false,
      ffi: false,
      ask: ["net"],
      learning: false,
      cwd: "/",
      fold_case: false,
    },
    listener: {
      denied: (words) => told.push(words),
      counted: () => {},
      tampered: (words) => told.push(words),
      ask: ({ words }) => Promise.resolve(told.push(`asked to ${words}`) > 0 ? { allow: true } : { allow: true }),
    },
    deps: {
      clock: systemClock,
      around: () => ({ place: () => ({ cwd: "/", root: "" }), resolve: () => Promise.resolve([]) }),
    },
  });
  const served = session.serve(ours, over.signal);
  const encoder = new TextEncoder();
  const buffer = new Uint8Array(4096);
  return {
    session,
    told,
    served,
    /** Writes `text`; the answers, or undefined when there is none any more. */
    async say(text: string): Promise<string | undefined> {
      await theirs.write(encoder.encode(text));
      const count = await theirs.read(buffer);
      return count === null ? undefined : new TextDecoder().decode(buffer.subarray(0, count));
    },
    async [Symbol.asyncDispose]() {
      over.abort();
      theirs.close();
      await served;
      await Deno.remove(dir, { recursive: true });
    },
  };
}

const question = (id: number, permission: string, value: string | null, pid = 7) =>
  `${JSON.stringify({ v: 1, pid, id, permission, value })}\n`;

Deno.test("questions are answered in turn, and counted", async () => {
  await using talk = await open();
  assert.equal(await talk.say(question(1, "read", "/srv/x")), '{"id":1,"result":"allow"}\n');
  const reason = 'The policy "strict" does not allow reading "/x": add it to sandbox.read of that policy';
  assert.deepEqual(JSON.parse(await talk.say(question(2, "read", "/x")) ?? ""), { id: 2, result: "deny", reason });
  assert.equal(await talk.say(question(3, "net", "a.test:1")), '{"id":3,"result":"allow"}\n');
  assert.deepEqual(talk.told, [reason, 'asked to connect to "a.test:1"']);
  assert.deepEqual(talk.session.decisions().map(({ value }) => value), ["/x", "/srv/x", "a.test:1"]);
});

const FORGERIES: [string, string][] = [
  ["a question that was asked before", question(1, "read", "/srv/y")],
  ["a question ahead of its turn", question(3, "read", "/srv/y")],
  ["a question of another process", question(2, "read", "/srv/y", 8)],
  ["two questions at once", question(2, "read", "/srv/y") + question(3, "read", "/srv/y")],
  ["a permission that doesn't exist", question(2, "all", null)],
  ["no question", "x\n"],
  ["a list", "[]\n"],
  ["nothing", "null\n"],
  ["a line without end", "x".repeat(40_000)],
];

for (const [name, text] of FORGERIES) {
  Deno.test(`a program that asks in Deno's name is found out: ${name}`, async () => {
    await using talk = await open();
    await talk.say(question(1, "read", "/srv/x"));
    // What was written after the end is refused by a reset, which is an end as well.
    const answer = await talk.say(text).catch(() => undefined);
    assert.equal(answer, undefined);
    assert.deepEqual(talk.told, [
      'The program of the server "stranger" interfered with its own permissions, and was ended',
    ]);
  });
}

Deno.test("who asks more than is wanted waits, and who asks seldom doesn't", () => {
  const pace = new Pace({ per_second: 100, reserve: 3, now: 0 });
  assert.deepEqual([pace.take(0), pace.take(0), pace.take(0)], [0, 0, 0]);
  assert.equal(pace.take(0), 10);
  assert.equal(pace.take(5), 15);
  assert.equal(pace.take(1000), 0);
});

Deno.test("counts are bounded, and keep the denied and the frequent", () => {
  const tally = new Tally(10);
  tally.count({ permission: "net", value: "evil.test", allowed: false });
  for (let i = 0; i < 5; i++) tally.count({ permission: "read", value: "/often", allowed: true });
  for (let i = 0; i < 1000; i++) {
    tally.count({ permission: "read", value: `/once/${i}`, allowed: true });
    assert.ok(tally.list().length <= 10);
  }
  assert.deepEqual(tally.list().slice(0, 2), [
    { permission: "net", value: "evil.test", allowed: 0, denied: 1 },
    { permission: "read", value: "/often", allowed: 5, denied: 0 },
  ]);
});
