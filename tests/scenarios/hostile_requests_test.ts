import { strict as assert } from "node:assert";
import { readError } from "../support/errors.ts";
import { HOSTILE, request } from "../support/hostile.ts";
import { type Program, startProgram } from "../support/program.ts";
import { type RawAnswer, send } from "../support/raw.ts";
import { ADMIN_KEY, USER_KEY } from "../support/server.ts";

/** A person asks something ordinary, and is answered. */
async function chatWorks({ url }: Program): Promise<void> {
  const response = await fetch(`${url}/api/v1/chat`, {
    method: "POST",
    headers: { authorization: `Bearer ${USER_KEY}`, "content-type": "application/json" },
    body: '{"message":"Hello"}',
  });
  const answer = await response.json();
  assert.equal(answer.status, "completed");
}

function check(answer: RawAnswer, wants: typeof HOSTILE[number]["wants"], bodiless: boolean): void {
  if (wants === "closed") return assert.equal(answer.raw, "");
  if (typeof wants === "number") {
    assert.equal(answer.status, wants, answer.raw.slice(0, 400));
    if (!bodiless) readError(wants, answer.text);
    return assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
  }
  const status = "bare" in wants ? wants.bare : wants.fine;
  assert.equal(answer.status, status, answer.raw.slice(0, 400));
  if ("bare" in wants) assert.equal(answer.text, "");
  else assert.ok(bodiless || !("statusCode" in JSON.parse(answer.text)), answer.text);
}

Deno.test(`${HOSTILE.length} hostile requests get the right status, one error shape, and no 5xx`, async (t) => {
  assert.ok(HOSTILE.length >= 60);
  assert.equal(new Set(HOSTILE.map(({ name }) => name)).size, HOSTILE.length, "a name is used twice");
  await using program = await startProgram({ settings: { server: { body_timeout_seconds: 1 } } });
  const failures: string[] = [];
  // Side by side, as they would come; those that wait for a time-out would take long one by one.
  await t.step("one by one and side by side", async () => {
    await Promise.all(HOSTILE.map(async ({ name, parts, wants, bodiless = false, pause = 0 }) => {
      const answer = await send(program.port, parts, { bodiless, pause });
      try {
        assert.ok(answer.status < 500, answer.raw.slice(0, 400));
        check(answer, wants, bodiless);
      } catch (error) {
        failures.push(`${name}: ${(error as Error).message}`);
      }
    }));
    assert.deepEqual(failures, []);
  });
  await chatWorks(program);
  const errors = program.output().split("\n").filter((line) => line.includes('"level":"error"'));
  assert.deepEqual(errors, []);
});

Deno.test("an idempotency key used for another request is a conflict, also by another path", async () => {
  await using program = await startProgram();
  const body = (message: string) => JSON.stringify({ message });
  const ask = (message: string) =>
    send(program.port, [
      request("POST /api/v1/chat", "Content-Type: text/plain\r\nIdempotency-Key: k\r\n", body(message)),
    ]);
  assert.equal((await ask("Hello")).status, 200);
  assert.equal((await ask("Hello")).status, 200);
  const other = await ask("Goodbye");
  assert.equal(readError(409, other.text).error, "ConflictError");
});

Deno.test("requests on one connection are answered in their order, also behind a bad one", async () => {
  await using program = await startProgram();
  const { raw } = await send(program.port, [
    request("GET /health/live"),
    request("GET /nowhere"),
    request("POST /api/v1/chat", "", '{"message":1}'),
    request("GET /health/live", "Connection: close\r\n"),
  ], { toEnd: true });
  assert.deepEqual(raw.match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 200", "HTTP/1.1 404", "HTTP/1.1 400", "HTTP/1.1 200"]);
});

Deno.test("a body is read only of somebody who may send it", async () => {
  await using program = await startProgram();
  const declared = "Content-Type: application/json\r\nContent-Length: 104857600\r\n";
  const as = (key: string | null, line: string) => {
    const auth = key === null ? "" : `Authorization: Bearer ${key}\r\n`;
    // Not one byte of the body is sent: whoever waits for it never answers.
    return send(program.port, [`${line} HTTP/1.1\r\nHost: muxi\r\n${auth}${declared}\r\n`]);
  };
  const lines = ["POST /api/v1/chat", "POST /api/v1/files", "POST /api/v1/conversations/conv_1/runs"];
  for (const line of [...lines, "POST /api/v1/agents"]) {
    assert.equal((await as(null, line)).status, 401, line);
    assert.equal((await as("sk_muxi_user_wrong_00000000", line)).status, 401, line);
  }
  const admin = await as(USER_KEY, "POST /api/v1/agents/import");
  assert.equal(readError(403, admin.text).error, "ForbiddenError");
  assert.equal((await as(ADMIN_KEY, "POST /api/v1/agents/import")).status, 413);
  await chatWorks(program);
});

Deno.test("a hundred slow senders hold nobody up", async () => {
  await using program = await startProgram({ settings: { server: { body_timeout_seconds: 2 } } });
  const slow = Array.from(
    { length: 100 },
    () =>
      send(program.port, [
        request("POST /api/v1/chat", "Content-Type: application/json\r\nContent-Length: 100\r\n"),
        "{",
      ]),
  );
  for (let i = 0; i < 5; i++) await chatWorks(program);
  const statuses = new Set((await Promise.all(slow)).map(({ status }) => status));
  assert.deepEqual([...statuses], [408]);
});
