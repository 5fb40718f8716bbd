/**
 * A browser finds another way in the middle of a call (an ICE restart): what the agent says is understood over both.
 *
 * @module
 */
import { aloud, openPage } from "../support/calls.ts";
import { firefoxOn, onNetworks, SERVER, twoMachines } from "../support/network_calls.ts";
import { restartAloud } from "../support/voice_story.ts";

aloud("the agent is understood after an ICE restart as before", async () => {
  await using stack = new AsyncDisposableStack();
  await restartAloud(stack, { open: async (stack, sound) => (await openPage(stack, sound)).page });
});

onNetworks("in Firefox the agent is understood after an ICE restart as before", async (stack) => {
  const machines = await twoMachines(stack);
  using _ = machines.server.enter();
  await restartAloud(stack, {
    settings: { rtc: { host: SERVER } },
    open: (stack, sound) => firefoxOn(stack, machines.caller, { sound }),
  });
});
