/**
 * A call with oneself, so that the first caller doesn't wait for what is only made once.
 *
 * @module
 */
import type { PeerEvents, Peers } from "../../ports/peers.ts";

/** Connects two peers that `open` makes on this machine, and lets them go; ends early with the signal. */
export async function warmUp(
  open: (options: { lite: boolean }) => Peers,
  { signal }: { signal: AbortSignal },
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const [callers, callees] = [stack.use(open({ lite: false })), stack.use(open({ lite: true }))];
  await Promise.all([callers.open(), callees.open()]);
  const { promise, resolve } = Promise.withResolvers<void>();
  const events: PeerEvents = {
    onState: (state) => state !== "connecting" && resolve(),
    onCandidate() {},
    onMedia() {},
    onKeyframeAsked() {},
    onChannel: () => ({ onMessage() {}, onClose() {} }),
  };
  const options = { audio: "sendrecv", video: "inactive", ice_servers: [], relay_only: false, events } as const;
  const [caller, callee] = [callers.create(options), callees.create(options)];
  signal.addEventListener("abort", () => resolve(), { once: true });
  if (signal.aborted) return;
  caller.openChannel("muxi");
  await caller.accept(await callee.answer(await caller.offer()));
  await promise;
}
