/**
 * The call of a soak: somebody on the page `/call` of a real browser, from its beginning to its end.
 *
 * @module
 */
import type { RtcStats } from "../../src/domain/rtc_session.ts";
import { type BrowserCall, type BrowserCallReport, ODD, startBrowserCall } from "../support/long_browser_call.ts";
import { STILL_MS, type Watch, watchMachine } from "../support/real_time.ts";
import type { Client } from "./client.ts";
import type { Load } from "./load.ts";
import type { CallSample } from "./trend.ts";

const QUESTION = "what is the weather in london today";
/** So many questions, of all, may go wrong while the machine stands still: a call must be had nevertheless. */
const EXCUSED = 0.1;

/** What was seen of it, there and here. */
export interface CallReport extends BrowserCallReport {
  /** What the server says of the caller's sound: packets that never came, that came too late, and what was made up. */
  there: Pick<RtcStats, "packets_lost" | "packets_stale" | "frames_concealed">;
  /** Questions that went wrong while the machine stood still, which says nothing of us. */
  excused: number;
}

/** See the module. What is not as it should be is complained of. */
export class SoakCall implements AsyncDisposable {
  /** What was measured on the way. */
  readonly samples: CallSample[] = [];
  readonly #load: Load;
  readonly #client: Client;
  readonly #call: BrowserCall;
  readonly #watch: Watch;
  readonly #id: string;

  private constructor(
    load: Load,
    { client, call, watch, id }: { client: Client; call: BrowserCall; watch: Watch; id: string },
  ) {
    this.#load = load;
    this.#client = client;
    this.#call = call;
    this.#watch = watch;
    this.#id = id;
  }

  /** Calls; null when that can't be. */
  static async open(load: Load): Promise<SoakCall | null> {
    await using stack = new AsyncDisposableStack();
    const client = load.enter();
    try {
      const { url, keys } = client;
      const watch = stack.use(await watchMachine());
      const call = stack.use(await startBrowserCall({ url, key: keys.user, question: QUESTION }));
      const { data: [{ id }] } = await client.ask("GET", "/rtc/sessions");
      stack.move();
      return new SoakCall(load, { client, call, watch, id });
    } catch (thrown) {
      load.complain("call", thrown);
      return null;
    }
  }

  /** Measures it, `at` seconds since the beginning. */
  async look(at: number): Promise<void> {
    try {
      this.samples.push({ at, ...await this.#call.look() });
    } catch (thrown) {
      this.#load.complain("call", thrown);
    }
  }

  /** Hangs up. */
  async end(): Promise<CallReport | null> {
    try {
      const report = await this.#call.end();
      const { conversation_id, stats } = await this.#client.ask("GET", `/rtc/sessions/${this.#id}`);
      const { packets_lost, packets_stale, frames_concealed } = stats;
      const beyondUs: BrowserCallReport["odd"] = [];
      for (const one of report.odd) if (await this.#watch.most(one) >= STILL_MS) beyondUs.push(one);
      const told = {
        ...report,
        there: { packets_lost, packets_stale, frames_concealed },
        odd: report.odd.filter((one) => !beyondUs.includes(one)),
        excused: new Set(beyondUs.map(({ question }) => question)).size,
      };
      if (report.odd.length === ODD || !isRight(told)) this.#load.complain("call", JSON.stringify(told));
      // Its messages are what was heard, which is not all that was said.
      await this.#client.ask("DELETE", `/conversations/${conversation_id}`, { status: 204 });
      return told;
    } catch (thrown) {
      this.#load.complain("call", thrown);
      return null;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch[Symbol.dispose]();
    await this.#call[Symbol.asyncDispose]();
  }
}

/** Whether everything that was asked was answered and heard, on one connection that lost nothing. */
function isRight({ asked, errors, connections, lost, there, odd, excused }: CallReport): boolean {
  // What is an error, or lost, is excused by nothing.
  const wrong = odd.length + errors + lost + there.packets_lost;
  return wrong === 0 && connections === 1 && excused <= asked * EXCUSED;
}
