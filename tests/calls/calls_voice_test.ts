/**
 * Somebody speaks with an agent in Chromium.
 *
 * @module
 */
import { aloud, openPage } from "../support/calls.ts";
import { askAloud, interruptAloud, type VoicePlace } from "../support/voice_story.ts";

const PLACE: VoicePlace = { open: async (stack, sound) => (await openPage(stack, sound)).page };

for (
  const [name, story] of [
    ["a question is asked aloud, a tool is called, and the answer is heard", askAloud],
    ["who speaks into an answer interrupts it, and history keeps what was heard", interruptAloud],
  ] as const
) {
  aloud(name, async () => {
    await using stack = new AsyncDisposableStack();
    await story(stack, PLACE);
  });
}
