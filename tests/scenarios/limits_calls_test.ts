/**
 * The rate limit at the doors of calls that are no operation's own: WHIP, WHEP and OpenAI's.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { type Clock, systemClock } from "../../src/kit/clock.ts";
import { good } from "../support/calls.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { sampleOffer, VOICE } from "../support/whip_offer.ts";

const BURST = 2;
const SPEAKS = sampleOffer([VOICE]);
const LISTENS = sampleOffer([{ ...VOICE, direction: "recvonly" }]);

/** Enough for the whole budget, and for refusals to be forgotten. */
const LATER_MS = 120_000;

/** Stands still until it is moved, so that no budget refills by itself. */
function standingClock(): Clock & { move(ms: number): void } {
  let now = systemClock.now();
  return { ...systemClock, now: () => now, move: (ms) => void (now += ms) };
}

function offer(server: TestServer, path: string, body: string): Promise<Response> {
  return server.request("POST", path, { body, headers: { "content-type": "application/sdp" } });
}

/** How a door says that it is too much. */
// deno-lint-ignore no-explicit-any -- answers of every shape
type Says = (body: any) => unknown[];
const problem: Says = ({ status, title }) => [status, title];
const PROBLEM = [429, "TooManyRequestsError"];
const openAi: Says = ({ error }) => [error.type, error.code];
const OPENAI = ["requests", "rate_limit_exceeded"];

Deno.test("who offers too often is refused at every door of calls in its own words, and told when to come again", async () => {
  const clock = standingClock();
  await using server = await startServer({
    settings: {
      // Nobody connects here, and no call ends while others are made.
      rtc: {
        host: "127.0.0.1",
        port: 0,
        max_calls_per_key: 50,
        connect_timeout_seconds: 600,
        lost_seconds: 60,
        // A clock that is moved looks to admission as a server that is late.
        max_lag_ms: 2 * LATER_MS,
      },
      speech: { stt: { engine: "none" }, tts: { engine: "none" } },
      // Nothing of it comes back before a whole minute.
      limits: { enabled: true, classes: { run: { per_second: 1 / 60, burst: BURST } } },
    },
    ports: { clock },
  });
  const room = await good<{ id: string }>(
    await server.request("POST", "/rtc/rooms", {
      body: { name: "Morning", agents: [{ agent_id: "assistant", name: "Nova" }] },
    }),
  );
  const call = await offer(server, "/rtc/whip", SPEAKS);
  assert.equal(call.status, 201, await call.text());
  const session_id = call.headers.get("location")!.split("/").at(-1)!;

  const doors: [path: string, sdp: string, says: Says, words: unknown[]][] = [
    [`/rtc/whep/${session_id}`, LISTENS, problem, PROBLEM],
    [`/rtc/whep/${room.id}`, LISTENS, problem, PROBLEM],
    ["/rtc/whip", SPEAKS, problem, PROBLEM],
    ["/rtc/whip/assistant", SPEAKS, problem, PROBLEM],
    ["^/v1/rtc/whip", SPEAKS, problem, PROBLEM],
    ["^/v1/realtime/calls", SPEAKS, openAi, OPENAI],
    ["/realtime/calls", SPEAKS, openAi, OPENAI],
  ];
  for (const [path, sdp, says, words] of doors) {
    clock.move(LATER_MS);
    for (let left = BURST - 1; left >= 0; left--) {
      const answer = await offer(server, path, sdp);
      assert.equal(answer.status, 201, `${path}: ${await answer.text()}`);
      assert.equal(answer.headers.get("ratelimit-remaining"), String(left), path);
    }
    const refused = await offer(server, path, sdp);
    const text = await refused.text();
    assert.equal(refused.status, 429, `${path}: ${text}`);
    assert.equal(refused.headers.get("retry-after"), "60", path);
    assert.deepEqual(says(JSON.parse(text)), words, path);
    // It is one budget, whichever door it was spent at.
    const beside = await server.request("POST", "/rtc/offer", { body: { sdp: SPEAKS } });
    assert.equal(beside.status, 429, `${path}: ${await beside.text()}`);
    clock.move(60_000);
    const again = await offer(server, path, sdp);
    assert.equal(again.status, 201, `${path}: ${await again.text()}`);
  }
});
