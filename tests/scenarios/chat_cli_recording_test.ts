/**
 * A chat whose connection is lost in the middle of an answer, twice, while the server goes on: the recording in
 * `tests/recordings/` is what it looked like, and what it must look like now. `UPDATE_RECORDINGS=1` makes it anew.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createPaint } from "../../src/transports/cli/chat/ink.ts";
import { Markdown } from "../../src/transports/cli/chat/markdown.ts";
import { Cutter } from "../support/cutter.ts";
import { startProvider } from "../support/provider.ts";
import { fromAsciicast, lastScreen, toAsciicast } from "../support/recording.ts";
import { startServer, USER_KEY } from "../support/server.ts";
import { hasTerminals, openTerminal } from "../support/terminal_program.ts";

const FILE = new URL("../recordings/dropped_connection.cast", import.meta.url);
const SIZE = { columns: 64, rows: 20 };
const ANSWER = `## What happens when a line breaks

The run **belongs to the server and not to your connection, so it goes on while nobody listens**, and every event of it
has a number. Whoever comes back says which one they saw *last*.

\`\`\`sh
muxi runs events RUN --starting-after 7
# the rest of the answer, and nothing twice
\`\`\`

| event | seen | told again |
|-------|-----:|:----------:|
| 1 … 7 | yes  | no         |
| 8 …   | no   | yes        |

- one 漢字 item that is long enough to be broken into two lines here
- another item with \`code\` 👍🏽

The end of the answer.`;

Deno.test({
  name: "a chat whose connection is lost twice shows every character once, as the recording does",
  ignore: !await hasTerminals(),
  async fn() {
    const tokens = Array.from(ANSWER.matchAll(/[\s\S]{1,5}/g), ([token]) => token);
    await using provider = await startProvider({ script: { tokens, delay: 6 } });
    await using server = await startServer({ provider: provider.url });
    const cuts: string[] = [];
    const made = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    await using relay = new Cutter({
      url: server.url,
      plan: (head) =>
        head.includes("/chat/stream")
          ? { at: "inside", frames: 6, part: 0.6 }
          : head.includes("/events") && cuts.length < 2
          ? { at: "inside", frames: 4, part: 0.3 }
          : undefined,
      onCut(head) {
        cuts.push(head.slice(0, head.indexOf(" HTTP/")));
        // Nobody answers until the chat has said that it noticed.
        relay.target = undefined;
        made[cuts.length - 1]!.resolve();
      },
    });
    await using terminal = openTerminal({
      args: ["chat", "--url", relay.url],
      env: { MUXI_KEY: USER_KEY },
      cwd: server.data_dir,
      ...SIZE,
    });
    await terminal.shows("›");
    await terminal.type("What happens when a line breaks?\r");
    for (const { promise } of made) {
      await promise;
      await terminal.shows("The connection is lost");
      relay.target = server.url;
    }
    await terminal.shows("tokens in");
    await terminal.type("\x04");
    assert.equal(await terminal.ended, 0);

    assert.equal(cuts.length, 2);
    assert.match(cuts[0]!, /^POST .*\/chat\/stream$/);
    assert.match(cuts[1]!, /^GET .*\/events/);
    const recording = { ...SIZE, pieces: terminal.pieces };
    const drawn = lastScreen(recording);
    const whole = new Markdown({ width: () => SIZE.columns - 1, paint: createPaint(false) });
    whole.push(ANSWER);
    whole.end();
    const wanted = whole.take().map((line) => line.trimEnd());
    const from = drawn.indexOf(wanted[0]!);
    assert.deepEqual(drawn.slice(from, from + wanted.length), wanted);
    assert.equal(drawn.filter((line) => line === "The end of the answer.").length, 1);

    if (Deno.env.get("UPDATE_RECORDINGS") === "1") {
      await Deno.writeTextFile(FILE, toAsciicast(recording, "A chat whose connection is lost twice"));
    }
    assert.deepEqual(drawn, lastScreen(fromAsciicast(await Deno.readTextFile(FILE))));
  },
});
