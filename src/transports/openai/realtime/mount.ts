/**
 * The door for clients of OpenAI's Realtime API: a call with an agent is a session.
 *
 * @module
 */
import type { Hono } from "@hono/hono";
import type { Gateway } from "../../../operations/gateway.ts";
import type { HttpEnv } from "../../request.ts";
import { mountCalls } from "./calls.ts";
import { mountClientSecrets } from "./client_secrets.ts";
import type { Links, RealtimeDeps } from "./door.ts";
import { mountSideband } from "./sideband.ts";

/** Adds the routes. Disposing ends what they hold; the calls themselves go on. */
export function mountRealtime(app: Hono<HttpEnv>, gateway: Gateway, deps: RealtimeDeps): Disposable {
  const links: Links = new Map();
  mountClientSecrets(app, gateway, deps);
  mountCalls(app, gateway, { deps, links });
  const sideband = mountSideband(app, gateway, { deps, links });
  return {
    [Symbol.dispose]() {
      sideband[Symbol.dispose]();
      for (const link of links.values()) link[Symbol.dispose]();
    },
  };
}
