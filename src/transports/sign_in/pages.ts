/**
 * The pages before and after a sign-in at a tool server.
 *
 * @module
 */
import { html } from "@hono/hono/html";

const STYLE = `
:root { color-scheme: light dark }
body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 4rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem }
dt { opacity: .7 } dd { margin: 0 0 .5rem; font-weight: 600; overflow-wrap: anywhere }
button { font: inherit; padding: .5rem 1rem; cursor: pointer }
`;

type Html = ReturnType<typeof html>;

let policy: Promise<string> | undefined;

/** Nothing is loaded, and nothing may put the page in a frame and a click on it into somebody's mouth. */
async function toPolicy(): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(STYLE));
  const style = `style-src 'sha256-${new Uint8Array(digest).toBase64()}'`;
  return `default-src 'none'; ${style}; base-uri 'none'; frame-ancestors 'none'`;
}

/** A page as an answer. */
export async function pageResponse(page: Html, status = 200): Promise<Response> {
  return new Response(String(await page), {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": await (policy ??= toPolicy()),
      "cache-control": "no-store",
    },
  });
}

// The form's origin is told to this server alone, which looks at it.
function layout(title: string, main: Html): Html {
  return html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="referrer" content="same-origin">
        <meta name="robots" content="noindex">
        <title>${title}</title>
        <style>${STYLE}</style>
      </head>
      <body>
        <main><h1>${title}</h1>${main}</main>
      </body>
    </html>
  `;
}

/** What somebody has to know before going on. */
export function beginPage({ server, user_id, url }: { server: string; user_id: string | null; url: string }): Html {
  const { host } = new URL(url);
  const whom = user_id === null ? "all users of the server" : user_id;
  const who = user_id === null ? "you look after this server" : `you are ${user_id}`;
  return layout(
    `Sign in for ${server}`,
    html`
      <p>MUXI will use the account with which you sign in now.</p>
      <dl>
        <dt>At the tool server</dt>
        <dd>${server}</dd>
        <dt>On behalf of</dt>
        <dd>${whom}</dd>
        <dt>You sign in at</dt>
        <dd>${host}</dd>
      </dl>
      <p>Go on only if ${who} and asked for this yourself. If somebody sent you this address, close the page: they would
          act with your account.</p>
      <form method="post"><button>Go on to ${host}</button></form>
    `,
  );
}

/** How it went. */
export function endPage({ signed_in, message }: { signed_in: boolean; message: string }): Html {
  return layout(signed_in ? "Signed in" : "Not signed in", html`<p>${message}</p>`);
}
