/**
 * Speaking another protocol on a data channel of a call.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import { joinSignals } from "../../kit/joined_signal.ts";
import { Queue } from "../../kit/queue.ts";
import { toFrame } from "./call_events.ts";
import type { CallSession } from "./session.ts";

/** How much may wait to be taken. It is taken as fast as it comes. */
const MAX_WAITING = 4096;

/** How a channel is spoken on. */
export interface SpeakOptions {
  label: string;
  /** Each `{"type":"text","text":…}`, sent on the channel, or `{"type":"message","message":…}`, said in the call. */
  incoming: AsyncIterable<string>;
  signal: AbortSignal;
}

/**
 * What happens on the channel and in the call, each as `{"type":"open"}`, `{"type":"text","text":…}` or
 * `{"type":"event","event":…}`. Ends with the call, of which the caller's end alone holds the connection.
 */
export function speakOn(
  session: CallSession,
  principal: Principal,
  { label, incoming, signal }: SpeakOptions,
): AsyncIterable<string> {
  const gone = new AbortController();
  const both = joinSignals(signal, gone.signal);
  const side = session.sides.hold(label, both.signal);
  const out = new Queue<string>({ capacity: MAX_WAITING, overflow: "drop_newest" });
  // Who can't keep up has lost the thread, which is the end of it.
  const put = (text: string) => void (out.push(text) || gone.abort());
  const events = session.events.follow({ cursor: undefined, signal: both.signal });
  const reading = (async () => {
    for await (const event of events) put(`{"type":"event","event":${toFrame(event)}}`);
  })();
  const listening = (async () => {
    for await (const happened of side) put(JSON.stringify(happened));
  })();
  void (async () => {
    for await (const text of incoming) {
      const said = JSON.parse(text);
      if (said.type === "text") session.sides.send(label, said.text);
      else session.take(JSON.stringify(said.message), principal);
    }
  })().catch(() => {}).finally(() => gone.abort());
  const over = () => {
    gone.abort();
    side[Symbol.dispose]();
    both[Symbol.dispose]();
    out.end();
  };
  void Promise.allSettled([reading, listening]).then(over);
  return whole(out, over);
}

async function* whole(out: AsyncIterable<string>, over: () => void): AsyncGenerator<string> {
  try {
    yield* out;
  } finally {
    over();
  }
}
