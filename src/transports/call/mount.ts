/**
 * The page `/call`, on which a person speaks with an agent, and the module with which other pages do.
 *
 * @module
 */
import type { Hono } from "@hono/hono";
import icon from "../../../console/call/icon.svg" with { type: "text" };
import page from "../../../console/call/page.html" with { type: "text" };
import style from "../../../console/call/style.css" with { type: "text" };
import shared from "../page.css" with { type: "text" };
import { type Asset, PAGE_POLICY, toAnswer } from "../asset.ts";
import type { HttpEnv } from "../request.ts";
import script from "./assets/call.js" with { type: "text" };
import types from "./assets/session_client.d.ts.txt" with { type: "text" };
import client from "./assets/session_client.js" with { type: "text" };

/** No page within it gets a device. */
const DEVICES = "microphone=(self), camera=(self), display-capture=(self)";

/** A recording is played from memory, where its tracks were put side by side. */
const POLICY = `${PAGE_POLICY}; media-src blob:`;

/** Where programs that read TypeScript find the types of the module: beside it, wherever the server stands. */
const TYPED = { "x-typescript-types": "./session_client.d.ts" };

/** What the page is made from. */
export interface CallPageDeps {
  /** Where the server stands below its host. */
  base_path: string;
  version: string;
  /** Whether calls may be recorded. */
  recording: boolean;
}

/** Adds `/call` and what it loads. Everything is made at the first request for it. */
export function mountCall(app: Hono<HttpEnv>, { base_path, version, recording }: CallPageDeps): void {
  const serve = (path: string, asset: Asset) => {
    let answer: ReturnType<typeof toAnswer> | undefined;
    app.on("GET", path, async (c) => (await (answer ??= toAnswer(() => asset)))(c.req.raw.headers));
  };
  const html = page.replaceAll("@BASE@", () => escape(base_path)).replaceAll("@VERSION@", () => escape(version))
    .replaceAll("@RECORDING@", recording ? "yes" : "no");
  const headers = { "content-security-policy": POLICY, "permissions-policy": DEVICES };
  for (const path of ["/call", "/call/"]) serve(path, { text: html, type: "text/html; charset=utf-8", headers });
  serve("/call/style.css", { text: shared + style, type: "text/css; charset=utf-8" });
  serve("/call/icon.svg", { text: icon, type: "image/svg+xml" });
  serve("/call/call.js", { text: script, type: "text/javascript; charset=utf-8" });
  serve("/call/session_client.js", { text: client, type: "text/javascript; charset=utf-8", headers: TYPED });
  serve("/call/session_client.d.ts", { text: types, type: "application/typescript; charset=utf-8" });
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
}
