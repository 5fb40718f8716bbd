/**
 * Stories that only some machines can tell. Where everything must be there
 * (`CI`), one that can't be told is a failure.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { BOX, findTool, NOBODY, openPlace, type Place } from "./place.ts";

/** What a story needs. */
export interface Needs {
  /** It is about the built file alone. */
  box?: boolean;
  root?: boolean;
  /** Programs of this machine. */
  tools?: readonly string[];
}

/** Tells a story, or says why it can't be told. */
export async function story(name: string, needs: Needs, tell: () => Promise<void>): Promise<void> {
  if (needs.box && BOX === undefined) return;
  const missing: string[] = [];
  if (needs.root && Deno.uid() !== 0) missing.push("root");
  for (const tool of needs.tools ?? []) if (await findTool(tool) === undefined) missing.push(tool);
  if (missing.length === 0) return Deno.test(name, tell);
  const why = `needs ${missing.join(", ")}`;
  if (Deno.env.get("CI")) Deno.test(name, () => assert.fail(`Cannot test this here: it ${why}`));
  else Deno.test({ name: `${name} (${why})`, ignore: true, fn: tell });
}

/** Tells a story as whoever runs the tests, and of the built file, where that is root, as an ordinary user, too. */
export async function everybody(name: string, tell: (place: Place) => Promise<void>): Promise<void> {
  const tellIn = async (options: { uid?: number }) => {
    await using place = await openPlace(options);
    await tell(place);
  };
  Deno.test(name, () => tellIn({}));
  await story(`${name}, as an ordinary user`, { box: true, root: true }, () => tellIn({ uid: NOBODY }));
}
