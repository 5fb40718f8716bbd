/**
 * What an idle session of an MCP client of the older era holds: begun, its tools listed, and left alone.
 *
 * @module
 */
import { USER_KEY } from "../support/server.ts";
import { startChild } from "./support/child.ts";
import { openSession, request } from "./support/mcp_caller.ts";
import type { HeapReport } from "./support/mcp_session_server.ts";
import { runWalks, type Walk } from "./support/report.ts";

const SESSIONS = 10_000;
const AT_ONCE = 32;
/** As many that everything is loaded and compiled. */
const WARM = 500;

async function openSessions(url: string, count: number): Promise<void> {
  let left = count;
  const target = { url, key: USER_KEY };
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (left-- > 0) {
      const session = await openSession(target);
      await request(target, { id: 1, method: "tools/list", params: {} }, session);
    }
  }));
}

/** See the module. */
export const mcpSessions: Walk = async ({ note }) => {
  await using child = await startChild(["--v8-flags=--expose-gc", "tests/bench/support/mcp_session_server.ts"]);
  const ask = async (): Promise<HeapReport> => await (await fetch(child.url)).json();
  const { url } = await ask();
  await openSessions(url, WARM);
  const [before, rss] = [await ask(), child.rssKb()];
  await openSessions(url, SESSIONS);
  const after = await ask();
  note(`  memory of the process: ${((child.rssKb() - rss) / SESSIONS).toFixed(1)} KB a session`);
  return [{
    name: "heap of an idle session of the older era",
    unit: "KB",
    product: (after.heap - before.heap) / 1024 / SESSIONS,
    goal: { most: 20, of: "figure" },
  }];
};

if (import.meta.main) await runWalks({ mcp_sessions: mcpSessions });
