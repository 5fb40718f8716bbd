/**
 * Tickets: once, for a minute, or for a path, for one user, as long as the key lives.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { Keys } from "../../src/core/identity/keys.ts";
import { Tickets } from "../../src/core/identity/tickets.ts";
import { actingFor } from "../../src/domain/access.ts";
import type { Clock } from "../../src/kit/clock.ts";

const WEB = { key_id: "web", secret: "right", access: "user" } as const;
const USELESS = { name: "UnauthorizedError", message: /the ticket is unknown, used or expired/ };

async function setUp() {
  const never = { [Symbol.dispose]() {} };
  const clock = { time: 1_700_000_000_000, now: () => clock.time, after: () => never, every: () => never };
  const keys = new Keys({ modes: ["apikey"], keys: [WEB] });
  const principal = await keys.identify({ token: WEB.secret });
  return { clock, keys, principal, tickets: new Tickets({ keys, clock: clock satisfies Clock }) };
}

Deno.test("a ticket lets in once", async () => {
  const { clock, tickets, principal } = await setUp();
  const { ticket, expires_at } = tickets.create(principal);
  assert.match(ticket, /^tkt_[A-Za-z0-9]{32}$/);
  assert.equal(expires_at, new Date(clock.time + 60_000).toISOString());
  assert.equal(tickets.redeem(ticket), principal);
  assert.throws(() => tickets.redeem(ticket), USELESS);
  assert.throws(() => tickets.redeem("tkt_unknown"), USELESS);
});

Deno.test("a ticket lasts a minute", async () => {
  const { clock, tickets, principal } = await setUp();
  const [first, second] = [tickets.create(principal), tickets.create(principal)];
  clock.time += 59_999;
  tickets.redeem(first.ticket);
  clock.time += 1;
  assert.throws(() => tickets.redeem(second.ticket), USELESS);
});

Deno.test("a ticket for a user can't be used for another", async () => {
  const { tickets, principal } = await setUp();
  const ann = tickets.redeem(tickets.create(actingFor(principal, "ann")).ticket);
  assert.deepEqual([ann.user_id, ann.may_assert_user], ["ann", false]);
  assert.throws(() => actingFor(ann, "bob"), { name: "ForbiddenError" });
});

Deno.test("a ticket dies with its key, also when another key takes the name", async () => {
  const { keys, tickets, principal } = await setUp();
  const { ticket } = tickets.create(principal);
  await keys.replace([{ ...WEB, secret: "new" }]);
  assert.throws(() => tickets.redeem(ticket), USELESS);
});

Deno.test("tickets nobody uses are bounded, per key and in all", async () => {
  const { clock, keys, tickets, principal } = await setUp();
  for (let i = 0; i < 1_000; i++) tickets.create(principal);
  assert.throws(() => tickets.create(principal), { name: "TooManyRequestsError", retryAfter: 60 });
  const users = Array.from({ length: 9 }, (_, i) => ({ ...principal, user_id: `u${i}`, may_assert_user: false }));
  for (const user of users) for (let i = 0; i < 1_000; i++) tickets.create(user);
  await keys.replace([WEB]);
  assert.throws(() => tickets.create({ ...users[0]!, user_id: "more" }), { name: "UnavailableError" });
  clock.time += 60_000;
  tickets.redeem(tickets.create(principal).ticket);
});

Deno.test("tickets that expire early make place for others, whatever was made before them", async () => {
  const { clock, tickets, principal } = await setUp();
  tickets.create({ ...principal, user_id: "first", may_assert_user: false });
  const short = { ...principal, expires_at: clock.time + 5_000 };
  for (let i = 0; i < 1_000; i++) tickets.create(short);
  assert.throws(() => tickets.create(principal), { name: "TooManyRequestsError" });
  clock.time += 5_000;
  tickets.redeem(tickets.create(principal).ticket);
});

Deno.test("a ticket for a path reads it as often as wanted, for an hour, and nothing else", async () => {
  const { clock, keys, tickets, principal } = await setUp();
  const path = "/rtc/recordings/rec_1/content";
  const { ticket, expires_at } = tickets.create(principal, { path });
  assert.equal(expires_at, new Date(clock.time + 3_600_000).toISOString());
  for (const method of ["GET", "HEAD", "GET"]) assert.equal(tickets.redeem(ticket, { method, path }), principal);
  assert.throws(() => tickets.redeem(ticket), USELESS);
  for (const method of ["POST", "DELETE", "get"]) {
    assert.throws(() => tickets.redeem(ticket, { method, path }), USELESS);
  }
  for (const other of [`${path}/`, "/rtc/recordings/rec_2/content", "", "/"]) {
    assert.throws(() => tickets.redeem(ticket, { method: "GET", path: other }), USELESS);
  }
  clock.time += 3_599_999;
  tickets.redeem(ticket, { method: "GET", path });
  clock.time += 1;
  assert.throws(() => tickets.redeem(ticket, { method: "GET", path }), USELESS);
  // It ends with the key, and with what it was made with.
  const brief = tickets.create({ ...principal, expires_at: clock.time + 5000 }, { path });
  const again = tickets.create(principal, { path });
  clock.time += 5000;
  assert.throws(() => tickets.redeem(brief.ticket, { method: "GET", path }), USELESS);
  await keys.replace([{ ...WEB, secret: "new" }]);
  assert.throws(() => tickets.redeem(again.ticket, { method: "GET", path }), USELESS);
});

Deno.test("tickets for paths are counted apart from the others", async () => {
  const { clock, tickets, principal } = await setUp();
  for (let i = 0; i < 1_000; i++) tickets.create(principal, { path: "/x" });
  assert.throws(() => tickets.create(principal, { path: "/x" }), { name: "TooManyRequestsError", retryAfter: 3600 });
  tickets.redeem(tickets.create(principal).ticket);
  clock.time += 3_600_000;
  tickets.create(principal, { path: "/x" });
});
