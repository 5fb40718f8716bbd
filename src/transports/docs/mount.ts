/**
 * The documentation as routes: the OpenAPI document, the pages, and what they are made of.
 *
 * @module
 */
import type { Hono } from "@hono/hono";
import type { HttpEnv } from "../request.ts";
import content from "./assets/content.css" with { type: "text" };
import eventStream from "./assets/event_stream.js" with { type: "text" };
import frame from "./assets/frame.css" with { type: "text" };
import icon from "./assets/icon.svg" with { type: "text" };
import script from "./assets/page.js" with { type: "text" };
import sizes from "./assets/sizes.css" with { type: "text" };
import tryIt from "./assets/try_it.js" with { type: "text" };
import page from "../page.css" with { type: "text" };
import { type Asset, PAGE_POLICY, toAnswer } from "../asset.ts";
import type { OpenApi } from "./document.ts";
import { callPage } from "./pages/call.ts";
import { errorsPage } from "./pages/errors.ts";
import { type EventFacts, eventsPage } from "./pages/events.ts";
import type { Html } from "./pages/html.ts";
import { mcpPage } from "./pages/mcp.ts";
import { openAiPage } from "./pages/openai.ts";
import { referencePage } from "./pages/reference.ts";

const ASSETS = {
  "style.css": page + frame + content + sizes,
  "page.js": script,
  "try_it.js": tryIt,
  "event_stream.js": eventStream,
  "icon.svg": icon,
};
const TYPES = {
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
} as const;

/** What the documentation is made from. */
export interface DocsDeps {
  /** Where the server stands below its host. */
  base_path: string;
  document(): OpenApi;
  facts(): EventFacts;
}

/** The documentation at work. */
export interface Docs {
  /** Makes the pages anew at their next request, after the facts changed. */
  refresh(): void;
}

/** Adds `/openapi.json` and `/docs`. Everything is made at the first request for it. */
export function mountDocs(app: Hono<HttpEnv>, { base_path, facts, ...deps }: DocsDeps): Docs {
  let made: OpenApi | undefined;
  const document = () => made ??= deps.document();
  const answers = new Map<string, ReturnType<typeof toAnswer>>();
  const serve = (paths: [string, ...string[]], make: () => Promise<Asset> | Asset) => {
    app.on("GET", paths, async (c) => {
      const answer = answers.get(paths[0]) ?? toAnswer(make);
      answers.set(paths[0], answer);
      return (await answer)(c.req.raw.headers);
    });
  };
  const page = (paths: [string, ...string[]], make: () => Html) =>
    serve(paths, async () => ({
      text: String(await make()),
      type: "text/html; charset=utf-8",
      headers: { "content-security-policy": PAGE_POLICY },
    }));
  page(["/docs", "/docs/"], () => referencePage(document(), base_path));
  page(["/docs/events"], () => eventsPage(document(), base_path, facts()));
  page(["/docs/errors"], () => errorsPage(document(), base_path));
  page(["/docs/openai"], () => openAiPage(document(), base_path));
  page(["/docs/mcp"], () => mcpPage(document(), base_path));
  page(["/docs/call"], () => callPage(document(), base_path));
  for (const [name, text] of Object.entries(ASSETS)) {
    const type = TYPES[name.slice(name.lastIndexOf(".") + 1) as keyof typeof TYPES];
    serve([`/docs/${name}`], () => ({ text, type }));
  }
  serve(["/openapi.json"], () => ({ text: JSON.stringify(document()), type: "application/json; charset=utf-8" }));
  return { refresh: () => answers.clear() };
}
