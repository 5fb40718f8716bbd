/**
 * Signals that follow others.
 *
 * @module
 */
import assert from "node:assert/strict";
import { joinSignals } from "../../src/kit/joined_signal.ts";

Deno.test("a joined signal aborts with the first of its signals, and for its reason", () => {
  const [one, other] = [new AbortController(), new AbortController()];
  const { signal } = joinSignals(one.signal, other.signal);
  assert.equal(signal.aborted, false);
  const reason = new Error("The key was revoked");
  other.abort(reason);
  assert.equal(signal.reason, reason);
  one.abort(new Error("Too late"));
  assert.equal(signal.reason, reason);
});

Deno.test("a joined signal has aborted where one of its signals had", () => {
  const reason = new Error("Gone before");
  const { signal } = joinSignals(new AbortController().signal, AbortSignal.abort(reason));
  assert.equal(signal.reason, reason);
});

Deno.test("a joined signal follows nobody once it is disposed", () => {
  const one = new AbortController();
  const joined = joinSignals(one.signal, new AbortController().signal);
  joined[Symbol.dispose]();
  one.abort();
  assert.equal(joined.signal.aborted, false);
});
