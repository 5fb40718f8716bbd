/**
 * The call of a soak: somebody on the page `/call` of a real browser, from its beginning to its end.
 *
 * @module
 */
import type { RtcStats } from "../../src/domain/rtc_session.ts";
import { type BrowserCall, type BrowserCallReport, startBrowserCall } from "../support/long_browser_call.ts";
import type { Client } from "./client.ts";
import type { Load } from "./load.ts";
import type { CallSample } from "./trend.ts";

const QUESTION = "what is the weather in london today";

/** What was seen of it, there and here. */
export interface CallReport extends BrowserCallReport {
  /** What the server says of the caller's sound: packets that never came, that came too late, and what was made up. */
  there: Pick<RtcStats, "packets_lost" | "packets_stale" | "frames_concealed">;
}

/** See the module. What is not as it should be is complained of. */
export class SoakCall implements AsyncDisposable {
  /** What was measured on the way. */
  readonly samples: CallSample[] = [];
  readonly #load: Load;
  readonly #client: Client;
  readonly #call: BrowserCall;
  readonly #id: string;

  private constructor(load: Load, { client, call, id }: { client: Client; call: BrowserCall; id: string }) {
    this.#load = load;
    this.#client = client;
    this.#call = call;
    this.#id = id;
  }

  /** Calls; null when that can't be. */
  static async open(load: Load): Promise<SoakCall | null> {
    await using stack = new AsyncDisposableStack();
    const client = load.enter();
    try {
      const { url, keys } = client;
      const call = stack.use(await startBrowserCall({ url, key: keys.user, question: QUESTION }));
      const { data: [{ id }] } = await client.ask("GET", "/rtc/sessions");
      stack.move();
      return new SoakCall(load, { client, call, id });
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
      const told = { ...report, there: { packets_lost, packets_stale, frames_concealed } };
      if (!isRight(told)) this.#load.complain("call", JSON.stringify(told));
      // Its messages are what was heard, which is not all that was said.
      await this.#client.ask("DELETE", `/conversations/${conversation_id}`, { status: 204 });
      return told;
    } catch (thrown) {
      this.#load.complain("call", thrown);
      return null;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#call[Symbol.asyncDispose]();
  }
}

/** Whether everything that was asked was answered and heard, on one connection that lost nothing. */
function isRight({ asked, answered, heard, interrupted, errors, connections, lost, there, odd }: CallReport): boolean {
  const wrong = interrupted + errors + lost + there.packets_lost + odd.length;
  return answered === asked && heard === asked && wrong === 0 && connections === 1;
}
