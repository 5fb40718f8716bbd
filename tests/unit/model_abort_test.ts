import { strict as assert } from "node:assert";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createModel } from "../../src/adapters/models/model.ts";
import { ask, collect, toModelOptions } from "../support/model_request.ts";
import { startProvider } from "../support/provider.ts";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

Deno.test("an abort ends an answer that pauses, also when garbage was collected meanwhile", async () => {
  await using provider = await startProvider({ script: { tokens: ["One", "Two"], delay: 600_000 } });
  const model = createModel(toModelOptions(provider.url));
  const stop = new AbortController();
  const heard = Promise.withResolvers<void>();
  const said = collect(model, ask("Hello"), {
    signal: stop.signal,
    onOutput: ({ type }) => type === "text" && heard.resolve(),
  });
  await heard.promise;
  for (let i = 0; i < 5; i++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  stop.abort(new Error("Enough"));
  const { text, error } = await said;
  assert.equal(text, "One");
  assert.equal(error.name, "CancelledError");
  await provider.requests[0]!.settled;
  assert.notEqual(provider.requests[0]!.closed_at, null);
});
