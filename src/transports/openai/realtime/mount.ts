/**
 * The door for clients of OpenAI's Realtime API: a call with an agent is a session.
 *
 * @module
 */
import type { Hono } from "@hono/hono";
import type { Gateway } from "../../../operations/gateway.ts";
import type { HttpEnv } from "../../request.ts";
import { answering, pathsOf } from "../door.ts";
import { mountCalls } from "./calls.ts";
import { mountClientSecrets } from "./client_secrets.ts";
import type { Links, RealtimeDeps } from "./door.ts";
import { joinCall } from "./sideband.ts";
import { talk } from "./talk.ts";

/** Adds the routes. Disposing ends what they hold; the calls themselves go on. */
export function mountRealtime(app: Hono<HttpEnv>, gateway: Gateway, deps: RealtimeDeps): Disposable {
  const links: Links = new Map();
  mountClientSecrets(app, gateway, deps);
  mountCalls(app, gateway, { deps, links });
  const open = new Set<AbortController>();
  const handler = answering(deps, async (c) => {
    const gone = new AbortController();
    open.add(gone);
    gone.signal.addEventListener("abort", () => open.delete(gone), { once: true });
    try {
      return await (c.req.query("call_id") === undefined ? talk : joinCall)(c, { gateway, deps, links }, gone);
    } catch (thrown) {
      gone.abort();
      throw thrown;
    }
  });
  for (const path of pathsOf("/realtime")) app.get(path, handler);
  return {
    [Symbol.dispose]() {
      for (const gone of open) gone.abort();
      for (const link of links.values()) link[Symbol.dispose]();
    },
  };
}
