/**
 * What surrounds every page.
 *
 * @module
 */
import { html } from "@hono/hono/html";
import type { Html } from "./html.ts";

/** The pages, by the last part of their address. */
export const PAGES = [
  { name: "", title: "Reference" },
  { name: "events", title: "Events and resuming" },
  { name: "errors", title: "Errors" },
  { name: "openai", title: "OpenAI clients" },
  { name: "mcp", title: "MCP" },
  { name: "call", title: "Calls" },
] as const;

/** The name of a page. */
export type PageName = typeof PAGES[number]["name"];

/** Where a page and its parts are. */
export function hrefOf(base: string, name: string): string {
  return name === "" ? `${base}/docs` : `${base}/docs/${name}`;
}

/** What is put into the frame. */
export interface PageParts {
  name: PageName;
  /** Where the server stands below its host. */
  base: string;
  version: string;
  /** What stands beside the text, such as its headings. */
  aside: Html;
  main: Html;
}

/** A whole page. */
export function layout({ name, base, version, aside, main }: PageParts): Html {
  const { title } = PAGES.find((page) => page.name === name)!;
  const links = PAGES.map((page) =>
    html`
      <a href="${hrefOf(base, page.name)}" ${page.name === name
        ? html`
          aria-current="page"
        `
        : ""}>${page.title}</a>
    `
  );
  return html`
    <!doctype html>
    <html lang="en" data-base="${base}" data-lang="curl">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>${title} · MUXI</title>
        <link rel="icon" href="${hrefOf(base, "icon.svg")}" type="image/svg+xml">
        <link rel="stylesheet" href="${hrefOf(base, "style.css")}">
        <script type="module" src="${hrefOf(base, "page.js")}"></script>
      </head>
      <body>
        <a class="skip" href="#main">Skip to the text</a>
        <header class="top">
          <button class="menu scripted" type="button" aria-expanded="false" aria-controls="aside">Menu</button>
          <a class="brand" href="${hrefOf(base, "")}"><img src="${hrefOf(
            base,
            "icon.svg",
          )}" alt="" width="22" height="22"> MUXI
    <small>${version}</small></a>
          <nav aria-label="Pages">${links}<a href="${base}/openapi.json">OpenAPI</a></nav>
          <button class="theme scripted" type="button" aria-label="Colours: as the system">◐</button>
        </header>
        <div class="frame">
          <aside id="aside">${aside}</aside>
          <main id="main" tabindex="-1">${main}</main>
        </div>
      </body>
    </html>
  `;
}
