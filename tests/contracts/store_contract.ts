/**
 * What every store promises (`src/ports/store.ts`).
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { AppError, CommitRefused } from "../../src/domain/error.ts";
import { type Table, TABLES } from "../../src/domain/table.ts";
import type { Change, Condition, Store, Where, Write } from "../../src/ports/store.ts";
import { event, FULL_ROWS, modelCall, run, SPARSE_ROWS } from "./sample_rows.ts";

/** How a store is opened for its tests. */
export interface StoreSubject {
  /** Opens the store that lives in `dir`; the same data again where it is durable. */
  open(dir: string): Promise<Store>;
  /** Whether it is there again after it was closed. */
  durable: boolean;
  /** Opens what `backup` wrote. */
  openCopy(path: string): Promise<Store>;
}

const RUN_1: Where<"runs"> = { id: "run_1" };

/** Whether `error` is a refusal, as said. */
export function refusedFor(reason: "precondition" | "duplicate", index: number) {
  return (error: unknown) => error instanceof CommitRefused && error.reason === reason && error.index === index;
}

/** Whether `error` is an {@linkcode AppError} of that name. */
export function named(name: string) {
  return (error: unknown) => error instanceof AppError && error.name === name;
}

function insertEvent(run_id: string, seq: number): Change {
  return { writes: [{ insert: "events", rows: [event(run_id, seq)] }] };
}

async function seqs(store: Store, run_id: string): Promise<number[]> {
  const rows = await store.read({ from: "events", where: { run_id }, order: [["seq", "asc"]], limit: 10_000 });
  return rows.map(({ seq }) => seq);
}

function keyOf(table: Table, row: object): Record<string, string | number> {
  const values = row as Record<string, string | number>;
  return Object.fromEntries(TABLES[table].key.map((column) => [column, values[column]!]));
}

/** Runs the contract on `subject`. */
export function testStore(name: string, subject: StoreSubject): void {
  const test = (sentence: string, body: (store: Store, dir: string) => Promise<void>) => {
    Deno.test(`store, ${name}: ${sentence}`, async () => {
      const dir = await Deno.makeTempDir({ prefix: "muxi-store-" });
      try {
        await using store = await subject.open(dir);
        await body(store, dir);
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    });
  };

  for (const table of Object.keys(TABLES) as Table[]) {
    test(`a row of ${table} comes back as it went in`, async (store) => {
      for (const row of [FULL_ROWS[table], SPARSE_ROWS[table]]) {
        const where = keyOf(table, row) as Where<Table>;
        await store.commit({ writes: [{ insert: table, rows: [row] } as Write] });
        assert.deepEqual(await store.read({ from: table, where, limit: 2 }), [row]);
        await store.commit({ writes: [{ delete: table, where } as Write] });
        assert.deepEqual(await store.read({ from: table, limit: 2 }), []);
        await store.commit({ writes: [{ upsert: table, row } as Write] });
        assert.deepEqual(await store.read({ from: table, limit: 2 }), [row]);
        await store.commit({ writes: [{ update: table, where, set: row } as unknown as Write] });
        assert.deepEqual(await store.read({ from: table, limit: 2 }), [row]);
        await store.commit({ writes: [{ delete: table, where } as Write] });
      }
    });
  }

  test("an upsert replaces what has the same key", async (store) => {
    await store.commit({ writes: [{ upsert: "users", row: FULL_ROWS.users }] });
    await store.commit({ writes: [{ upsert: "users", row: SPARSE_ROWS.users }] });
    assert.deepEqual(await store.read({ from: "users", limit: 5 }), [SPARSE_ROWS.users]);
  });

  test("an update changes what it names and nothing else", async (store) => {
    await store.commit({ writes: [{ insert: "runs", rows: [run("run_1"), run("run_2")] }] });
    await store.commit({ writes: [{ update: "runs", where: RUN_1, set: { status: "running", metadata: { a: 1 } } }] });
    assert.deepEqual(await store.read({ from: "runs", order: [["id", "asc"]], limit: 5 }), [
      run("run_1", { status: "running", metadata: { a: 1 } }),
      run("run_2"),
    ]);
    await store.commit({ writes: [{ update: "runs", where: RUN_1, set: {} }] });
    await store.commit({ writes: [{ update: "runs", where: { id: "run_9" }, set: { turn: 9 } }] });
  });

  test("a NUL in text does not cut it off", async (store) => {
    await store.commit({ writes: [{ insert: "messages", rows: [{ ...FULL_ROWS.messages, content: "a\0b" }] }] });
    const [row] = await store.read({ from: "messages", limit: 1 });
    assert.equal(row?.content, "a\ufffdb");
  });

  test("undefined JSON is stored as null", async (store) => {
    await store.commit({ writes: [{ insert: "tool_calls", rows: [{ ...FULL_ROWS.tool_calls, result: undefined }] }] });
    const [row] = await store.read({ from: "tool_calls", where: { result: null }, limit: 1 });
    assert.equal(row?.result, null);
  });

  test("conditions select as they say", async (store) => {
    const rows = [1, 2, 3, 4].map((n) => run(`run_${n}`, { turn: n, user_id: n === 4 ? null : `u${n}` }));
    await store.commit({ writes: [{ insert: "runs", rows }] });
    const found = async (where: Where<"runs">) => {
      return (await store.read({ from: "runs", where, order: [["turn", "asc"]], limit: 10 })).map(({ turn }) => turn);
    };
    const cases: [Where<"runs">, number[]][] = [
      [{}, [1, 2, 3, 4]],
      [{ turn: 2 }, [2]],
      [{ turn: { lt: 3 } }, [1, 2]],
      [{ turn: { lte: 3 } }, [1, 2, 3]],
      [{ turn: { gt: 3 } }, [4]],
      [{ turn: { gte: 3 } }, [3, 4]],
      [{ turn: { gt: 1, lt: 4 } }, [2, 3]],
      [{ turn: { ne: 2 } }, [1, 3, 4]],
      [{ user_id: null }, [4]],
      [{ user_id: { ne: null } }, [1, 2, 3]],
      [{ user_id: { ne: "u1" } }, [2, 3, 4]],
      [{ user_id: { lt: "u2" } }, [1]],
      [{ user_id: "u1' OR 1=1 --" }, []],
      [{ turn: { in: [] } }, []],
      [{ turn: { in: [4, 1, 9] } }, [1, 4]],
      [{ user_id: { in: ["u1", 'u"2', null] } }, [1, 4]],
      [{ turn: { in: Array.from({ length: 40_000 }, (_, n) => n + 3) } }, [3, 4]],
      [{ turn: { in: [1, 2] }, user_id: { ne: "u1" } }, [2]],
      [{ response_format: null }, [1, 2, 3, 4]],
      [{ response_format: { ne: null } }, []],
    ];
    for (const [where, turns] of cases) assert.deepEqual(await found(where), turns, JSON.stringify(where).slice(0, 80));
  });

  test("a flag is compared as true or false", async (store) => {
    const { tool_calls } = FULL_ROWS;
    await store.commit({
      writes: [{ insert: "tool_calls", rows: [tool_calls, { ...tool_calls, id: "tc_2", idempotent: false }] }],
    });
    const found = await store.read({ from: "tool_calls", where: { idempotent: false }, limit: 9 });
    assert.deepEqual(found.map(({ id }) => id), ["tc_2"]);
    assert.equal((await store.read({ from: "tool_calls", where: { idempotent: { in: [true] } }, limit: 9 })).length, 1);
  });

  test("a name that is no column, and a value that is none, are refused", async (store) => {
    await store.commit({ writes: [{ insert: "runs", rows: [run("run_1")] }] });
    const wrong = { "id = id; --": 1 } as Where<"runs">;
    const nothing = { id: undefined } as unknown as Where<"runs">;
    const operator = { id: { like: "%" } } as unknown as Where<"runs">;
    await assert.rejects(store.read({ from: "runs", where: wrong, limit: 1 }), TypeError);
    await assert.rejects(store.read({ from: "runs", where: nothing, limit: 1 }), TypeError);
    await assert.rejects(store.read({ from: "runs", where: operator, limit: 1 }), TypeError);
    await assert.rejects(store.read({ from: "runs", where: { id: {} }, limit: 1 }), TypeError);
    await assert.rejects(store.read({ from: "runs", order: [["x" as "id", "asc"]], limit: 1 }), TypeError);
    await assert.rejects(store.read({ from: "runs", limit: -1 }), RangeError);
    await assert.rejects(store.read({ from: "runs", skip: 0.5, limit: 1 }), RangeError);
    await assert.rejects(store.commit({ writes: [{ delete: "runs", where: nothing }] }), TypeError);
    await assert.rejects(store.commit({ writes: [{ update: "runs", where: {}, set: { x: 1 } as never }] }), TypeError);
    await assert.rejects(
      store.commit({ writes: [{ insert: "runs", rows: [{ ...run("b"), x: 1 } as never] }] }),
      TypeError,
    );
    await assert.rejects(store.commit({ writes: [{ insert: "runs", rows: [run("b", { turn: NaN })] }] }), TypeError);
    await assert.rejects(store.sum({ from: "runs", sum: ["x" as "turn"], by: [] }), TypeError);
    assert.equal((await store.read({ from: "runs", limit: 9 })).length, 1);
  });

  test("rows come in the order asked for, and no more than the limit", async (store) => {
    const rows = [3, 1, 2].flatMap((turn) => ["b", "a"].map((id) => run(`run_${id}${turn}`, { turn, agent_id: id })));
    rows.push(run("run_x", { turn: 0, agent_id: "c", user_id: "z" }));
    await store.commit({ writes: [{ insert: "runs", rows }] });
    const ids = async (order: [keyof (typeof rows)[0], "asc" | "desc"][], limit: number, skip?: number) => {
      const query = { from: "runs", order, limit, ...skip !== undefined && { skip } } as const;
      return (await store.read(query)).map(({ id }) => id.slice(4)).join(" ");
    };
    assert.equal(await ids([["turn", "asc"], ["agent_id", "asc"]], 9), "x a1 b1 a2 b2 a3 b3");
    assert.equal(await ids([["agent_id", "asc"], ["turn", "desc"]], 4), "a3 a2 a1 b3");
    assert.equal(await ids([["user_id", "desc"]], 1), "x", "null sorts before everything");
    assert.equal(await ids([["id", "asc"]], 0), "");
    assert.equal(await ids([["id", "asc"]], 2, 0), "a1 a2");
    assert.equal(await ids([["id", "asc"]], 2, 3), "b1 b2");
    assert.equal(await ids([["id", "asc"]], 9, 6), "x");
    assert.equal(await ids([["id", "asc"]], 9, 7), "");
  });

  test("numbers and groups are summed", async (store) => {
    const call = (n: number, set: object) => modelCall(`mc_${n}`, { input_tokens: n, ...set });
    await store.commit({
      writes: [{
        insert: "model_calls",
        rows: [
          call(1, { model: "a", cost: 0.5 }),
          call(2, { model: "a", cost: 0.25 }),
          call(3, { model: "b", cost: null }),
          call(4, { model: "c", cost: 9, outcome: "cancelled" }),
        ],
      }],
    });
    const where: Where<"model_calls"> = { outcome: { ne: "cancelled" } };
    assert.deepEqual(
      await store.sum({ from: "model_calls", where, sum: ["input_tokens", "cost"], by: ["model", "outcome"] }),
      [
        { model: "a", outcome: "failed", input_tokens: 3, cost: 0.75, count: 2 },
        { model: "b", outcome: "failed", input_tokens: 3, cost: null, count: 1 },
      ],
    );
    assert.deepEqual(await store.sum({ from: "model_calls", sum: ["input_tokens"], by: [] }), [
      { input_tokens: 10, count: 4 },
    ]);
    const none: Where<"model_calls"> = { model: "z" };
    assert.deepEqual(await store.sum({ from: "model_calls", where: none, sum: ["cost"], by: ["model"] }), []);
    assert.deepEqual(await store.sum({ from: "model_calls", where: none, sum: ["cost"], by: [] }), [
      { cost: null, count: 0 },
    ]);
  });

  test("a precondition that does not hold refuses everything and says which", async (store) => {
    await store.commit({ writes: [{ insert: "runs", rows: [run("run_1", { epoch: 2 })] }] });
    const at = (epoch: Condition): Change => ({
      preconditions: [
        { from: "runs", where: RUN_1, exists: true },
        { from: "runs", where: { ...RUN_1, epoch }, exists: true },
        { from: "events", where: { run_id: "run_1", seq: 1 }, exists: false },
      ],
      writes: [
        { update: "runs", where: RUN_1, set: { status: "running" } },
        { insert: "events", rows: [event("run_1", 1)] },
      ],
    });
    await assert.rejects(store.commit(at(1)), refusedFor("precondition", 1));
    assert.deepEqual(await store.read({ from: "runs", limit: 9 }), [run("run_1", { epoch: 2 })]);
    await store.commit(at(2));
    await assert.rejects(store.commit(at(2)), refusedFor("precondition", 2));
    assert.deepEqual(await seqs(store, "run_1"), [1]);
  });

  test("a row that exists already refuses everything", async (store) => {
    await store.commit(insertEvent("run_1", 1));
    await assert.rejects(
      store.commit({
        writes: [
          { insert: "runs", rows: [run("run_1")] },
          { insert: "events", rows: [event("run_1", 2), event("run_1", 1)] },
        ],
      }),
      refusedFor("duplicate", -1),
    );
    assert.deepEqual(await seqs(store, "run_1"), [1]);
    assert.deepEqual(await store.read({ from: "runs", limit: 9 }), []);
  });

  test("one refused commit among many leaves the others as they are", async (store) => {
    await store.commit(insertEvent("run_0", 1));
    const change = (n: number): Change => ({
      ...n % 7 === 3 && { preconditions: [{ from: "events", where: { run_id: "run_1" }, exists: false }] },
      writes: [
        { insert: "events", rows: [event("run_1", n)] },
        { insert: "runs", rows: [run(`run_${n}`)] },
        ...n % 5 === 1 ? [{ insert: "events" as const, rows: [event("run_0", 1)] }] : [],
      ],
    });
    const numbers = Array.from({ length: 100 }, (_, n) => n);
    const results = await Promise.allSettled(numbers.map((n) => store.commit(change(n))));
    const kept = numbers.filter((n) => n % 7 !== 3 && n % 5 !== 1);
    assert.deepEqual(numbers.filter((n) => results[n]?.status === "fulfilled"), kept);
    for (const result of results) {
      if (result.status === "rejected") assert.ok(result.reason instanceof CommitRefused, String(result.reason));
    }
    assert.deepEqual(await seqs(store, "run_1"), kept);
    assert.equal((await store.read({ from: "runs", limit: 1000 })).length, kept.length);
  });

  test("commits are applied in the order they are asked for, each after the one before", async (store) => {
    await store.commit({ writes: [{ insert: "runs", rows: [run("run_1", { turn: 0 })] }] });
    const settled: number[] = [];
    await Promise.all(Array.from({ length: 1000 }, async (_, n) => {
      await store.commit({
        preconditions: [{ from: "runs", where: { ...RUN_1, turn: n }, exists: true }],
        writes: [{ update: "runs", where: RUN_1, set: { turn: n + 1 } }, {
          insert: "events",
          rows: [event("run_1", n)],
        }],
      });
      settled.push(n);
    }));
    assert.deepEqual(settled, Array.from({ length: 1000 }, (_, n) => n));
    assert.deepEqual(await seqs(store, "run_1"), settled);
  });

  test("a change is what it was when it was asked for", async (store) => {
    const row = run("run_1", { metadata: { said: "before" } });
    const done = store.commit({ writes: [{ insert: "runs", rows: [row] }] });
    row.metadata.said = "after";
    row.turn = 99;
    await done;
    assert.deepEqual(await store.read({ from: "runs", limit: 1 }), [run("run_1", { metadata: { said: "before" } })]);
  });

  test("many rows are inserted and read at once", async (store) => {
    const rows = Array.from({ length: 3333 }, (_, n) => event("run_1", n + 1));
    await store.commit({ writes: [{ insert: "events", rows }, { insert: "events", rows: [] }] });
    const read = await store.read({ from: "events", order: [["seq", "asc"]], limit: 10_000 });
    assert.deepEqual(read, rows);
    for (const limit of [99, 100, 101, 200]) {
      assert.equal((await store.read({ from: "events", limit })).length, limit);
    }
    await store.commit({ writes: [{ delete: "events", where: { run_id: "run_1", seq: { lte: 3000 } } }] });
    assert.equal((await store.read({ from: "events", limit: 10_000 })).length, 333);
  });

  test("a backup holds what was committed before it, and opens again", async (store, dir) => {
    await store.commit({ writes: [{ insert: "runs", rows: [FULL_ROWS.runs] }] });
    await Promise.all(Array.from({ length: 200 }, (_, n) => store.commit(insertEvent("run_1", n + 1))));
    const path = join(dir, "copy.db");
    const during = Array.from({ length: 50 }, (_, n) => store.commit(insertEvent("run_2", n + 1)));
    await Promise.all([store.backup(path), ...during]);
    await assert.rejects(store.backup(path), named("ConflictError"));
    await assert.rejects(store.backup(join(dir, "missing", "copy.db")), AppError);
    assert.equal((await seqs(store, "run_2")).length, 50);
    await using copy = await subject.openCopy(path);
    assert.deepEqual(await copy.read({ from: "runs", limit: 9 }), [FULL_ROWS.runs]);
    assert.equal((await seqs(copy, "run_1")).length, 200);
    assert.deepEqual(await store.read({ from: "runs", limit: 9 }), [FULL_ROWS.runs]);
  });

  test("it says that it answers", async (store) => {
    const { ok, detail } = await store.check();
    assert.ok(ok, detail);
  });

  test("closing keeps what was asked for before, and refuses what comes later", async (store, dir) => {
    const done = Promise.all(Array.from({ length: 300 }, (_, n) => store.commit(insertEvent("run_1", n + 1))));
    await store[Symbol.asyncDispose]();
    await done;
    await store[Symbol.asyncDispose]();
    await assert.rejects(store.commit(insertEvent("run_1", 1000)), named("UnavailableError"));
    await assert.rejects(store.read({ from: "runs", limit: 1 }), named("UnavailableError"));
    assert.equal((await store.check()).ok, false);
    if (!subject.durable) return;
    await using again = await subject.open(dir);
    assert.equal((await seqs(again, "run_1")).length, 300);
  });
}
