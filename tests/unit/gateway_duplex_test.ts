import { strict as assert } from "node:assert";
import { z } from "zod";
import { AttemptLimit } from "../../src/core/identity/attempts.ts";
import { Keys } from "../../src/core/identity/keys.ts";
import { Limits } from "../../src/core/identity/limits.ts";
import { Slots } from "../../src/core/identity/slots.ts";
import { Tickets } from "../../src/core/identity/tickets.ts";
import { Audit } from "../../src/core/identity/audit.ts";
import { ANONYMOUS, type Principal } from "../../src/domain/access.ts";
import { AppError } from "../../src/domain/error.ts";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { systemClock as clock } from "../../src/kit/clock.ts";
import { createLog } from "../../src/kit/log.ts";
import { LocalGateway } from "../../src/operations/local_gateway.ts";
import { duplex, onDuplex } from "../../src/operations/operation.ts";

const echo = duplex<z.ZodObject<{ prefix: z.ZodString }>, string, string>({
  id: "echo_connect",
  summary: "Says everything twice",
  access: "user",
  input: z.strictObject({ prefix: z.string() }),
  errors: [],
  http: "GET /echo",
  limit: "read",
});

const log = createLog({ level: "error", format: "json", write: () => {} });
const secret = "sk_muxi_user_duplex_0123456789";

async function build() {
  const store = await openLibsqlStore({ path: ":memory:", log });
  const keys = new Keys({ keys: [{ key_id: "user", access: "user", secret }], modes: ["apikey"] });
  const slots = new Slots({ streams: { per_key: 1, total: 1 }, requests: { per_key: 9, total: 9 } });
  const audit = new Audit({ store, clock, log });
  const gateway = new LocalGateway({
    keys,
    secrets: { identify: () => Promise.reject(new Error("No secret is shown here")) },
    slots,
    audit,
    log,
    tickets: new Tickets({ keys, clock }),
    attempts: new AttemptLimit({ per_minute: 20, clock }),
    limits: new Limits({
      clock,
      enabled: false,
      classes: {},
      operations: {},
      warn_below: 0,
      block_after: 1,
      block_seconds: 1,
    }),
    adminFrom: () => true,
    bound: [onDuplex(echo, async function* ({ prefix }, { signal }, incoming) {
      for await (const text of incoming) {
        if (signal.aborted) return;
        if (text === "break") throw new Error("broken inside");
        yield `${prefix}${text}`;
        yield `${prefix}${text}`;
      }
    })],
  });
  return {
    gateway,
    keys,
    slots,
    async [Symbol.asyncDispose]() {
      await audit[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

async function* say(...texts: string[]): AsyncGenerator<string> {
  yield* texts;
}

const visitOf = (principal: Principal) => ({
  principal,
  signal: new AbortController().signal,
  request_id: "req_1",
  address: "127.0.0.1",
});

Deno.test("a duplex operation is admitted once, flows both ways and gives its slot back", async () => {
  await using built = await build();
  const { gateway, slots } = built;
  const visit = visitOf(await gateway.identify({ token: secret, address: "127.0.0.1", request_id: "req_1" }));
  const flow = await gateway.connect(echo, () => ({ prefix: "> " }), visit, say("a", "b"));
  assert.equal(slots.inUse("streams"), 1);
  await assert.rejects(gateway.connect(echo, () => ({ prefix: "" }), visit, say()), { name: "TooManyRequestsError" });
  assert.deepEqual(await Array.fromAsync(flow), ["> a", "> a", "> b", "> b"]);
  assert.equal(slots.inUse("streams"), 0);
});

Deno.test("a duplex operation refuses who may not enter and what does not fit, before anything flows", async () => {
  await using built = await build();
  const { gateway } = built;
  const principal = await gateway.identify({ token: secret, address: "127.0.0.1", request_id: "req_1" });
  await assert.rejects(gateway.connect(echo, () => ({ prefix: "" }), visitOf(ANONYMOUS), say()), {
    name: "UnauthorizedError",
  });
  await assert.rejects(gateway.connect(echo, () => ({ prefix: 1 }), visitOf(principal), say()), {
    name: "ValidationError",
  });
});

Deno.test("what breaks inside a duplex operation is told as an error of the one shape, without its message", async () => {
  await using built = await build();
  const { gateway, slots } = built;
  const principal = await gateway.identify({ token: secret, address: "127.0.0.1", request_id: "req_1" });
  const flow = await gateway.connect(echo, () => ({ prefix: "" }), visitOf(principal), say("a", "break"));
  const thrown = await Array.fromAsync(flow).catch((error) => error);
  assert.ok(thrown instanceof AppError);
  assert.equal(thrown.name, "InternalError");
  assert.doesNotMatch(thrown.message, /broken inside/);
  assert.equal(slots.inUse("streams"), 0);
});
