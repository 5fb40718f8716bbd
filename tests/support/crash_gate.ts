/**
 * A store in which a story stops at its n-th commit, as if the process had died
 * at that moment: right before the commit reached the database, or right after,
 * before anybody learned of it.
 *
 * Stories are told apart by the `user_id` of their rows. A story that has
 * stopped commits nothing more, while the others go on: so one process dies for
 * all of them, each at its own n-th commit.
 *
 * @module
 */
import type { Change, Store } from "../../src/ports/store.ts";

/** At which commit something ends: number `at` (the first is 1). */
export interface Stop {
  at: number;
  when: "before" | "after";
}

const USER = /"user_id":"story-([a-z_]+)"/g;
const IDS = /\b(?:conv|run|step|msg|tool|call)_[0-9a-z]{26}\b/g;

/** Wraps `store`. `onStop` hears of each story that has stopped, once. */
export function gateStore(store: Store, { at, when }: Stop, onStop: (story: string) => void): Store {
  const stories = new Map<string, string>();
  const counts = new Map<string, number>();
  const never = new Promise<never>(() => {});

  /** Whose change it is; undefined when it is nobody's, or that of several. */
  function storyOf(change: Change): string | undefined {
    const text = JSON.stringify(change);
    const ids = text.match(IDS) ?? [];
    const found = new Set(text.matchAll(USER).map((match) => match[1]!));
    for (const id of ids) {
      const story = stories.get(id);
      if (story !== undefined) found.add(story);
    }
    if (found.size !== 1) return undefined;
    const [story] = found;
    for (const id of ids) stories.set(id, story!);
    return story;
  }

  return {
    read: (query) => store.read(query),
    sum: (query) => store.sum(query),
    backup: (path) => store.backup(path),
    check: () => store.check(),
    async commit(change) {
      const story = storyOf(change);
      if (story === undefined) return await store.commit(change);
      const number = (counts.get(story) ?? 0) + 1;
      counts.set(story, number);
      if (number < at) return await store.commit(change);
      if (number === at) {
        // A refused commit changes nothing, so that nobody could tell it from one that was never sent.
        if (when === "after") await store.commit(change).catch(() => {});
        onStop(story);
      }
      return await never;
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** Wraps `store` so that the process ends itself at commit number `at`, whoever makes it. */
export function doomStore(store: Store, { at, when }: Stop): Store {
  let number = 0;
  return {
    read: (query) => store.read(query),
    sum: (query) => store.sum(query),
    backup: (path) => store.backup(path),
    check: () => store.check(),
    async commit(change) {
      if (++number < at) return await store.commit(change);
      if (when === "after") await store.commit(change).catch(() => {});
      Deno.kill(Deno.pid, "SIGKILL");
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}
