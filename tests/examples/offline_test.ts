/**
 * The examples on a fresh machine: no account, no model but the built-in one.
 *
 * @module
 */
import { openStage, toArgs } from "../support/examples.ts";

for (const file of ["openai_client.ts", "openai_responses.ts", "langchain.ts", "ai_sdk.ts"]) {
  Deno.test(`examples/${file} gets through with the offline model`, async () => {
    await using stage = await openStage({ offline: true });
    // It ends with an error when an answer isn't what it must be.
    await stage.run(Deno.execPath(), ...toArgs(file));
  });
}
