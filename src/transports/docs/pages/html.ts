/**
 * Small pieces of pages.
 *
 * @module
 */
import { html } from "@hono/hono/html";

/** Part of a page: text is escaped where it goes in. */
export type Html = ReturnType<typeof html>;

/** Text of a schema or a summary: what stands in backticks is code. */
export function prose(text: string): Html[] {
  return text.split("`").map((part, i) => i % 2 === 1 ? html`<code>${part}</code>` : html`${part}`);
}

/** What an operation's access means, as a badge. */
export function accessBadge(access: string): Html {
  const title = access === "public" ? "No key needed" : `Needs ${access === "admin" ? "an admin" : "a user"} key`;
  return html`<span class="badge ${access}" title="${title}">${access}</span>`;
}

/** A method, in its colour. */
export function methodBadge(method: string): Html {
  return html`<span class="method ${method.toLowerCase()}">${method}</span>`;
}

/** `agents` as a heading: `Agents`. */
export function headingOf(name: string): string {
  const words = name.replaceAll("_", " ");
  return words[0]!.toUpperCase() + words.slice(1);
}

/** A table whose cells are {@linkcode prose}. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): Html {
  return html`
    <div class="wide">
      <table>
        <thead>
          <tr>${head.map((title) =>
            html`
              <th scope="col">${title}</th>
            `
          )}</tr>
        </thead>
        <tbody>${rows.map((row) =>
          html`
            <tr>${row.map((cell) =>
              html`
                <td>${prose(cell)}</td>
              `
            )}</tr>
          `
        )}</tbody>
      </table>
    </div>
  `;
}
