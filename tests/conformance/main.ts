/**
 * How MUXI does in the official suite of the Model Context Protocol: a line a sheet. Ends with 1 when a scenario fails
 * that a revision requires.
 *
 * @module
 */
import { runSheet, SHEETS } from "./sheets.ts";

const say = (line: string) => Deno.stdout.write(new TextEncoder().encode(`${line}\n`));

let isGood = true;
for (const sheet of SHEETS) {
  const { passed, failed, others, log } = await runSheet(sheet);
  const isWhole = passed.length >= sheet.required && failed.length === 0;
  isGood &&= isWhole;
  await say(`${isWhole ? "✓" : "✗"} ${sheet.side} ${sheet.revision}: ${passed.length}/${sheet.required}`);
  for (const scenario of failed) await say(`    ✗ ${scenario}`);
  if (passed.length + failed.length < sheet.required) await say(log.slice(-4000));
  for (const { scenario, reason, passed, checks } of others) {
    await say(
      `    ${checks === 0 ? "–" : passed ? "✓" : "✗"} ${scenario} (${reason}${
        checks === 0 ? ", nothing to check" : ""
      })`,
    );
  }
}
Deno.exit(isGood ? 0 : 1);
