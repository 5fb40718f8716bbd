/**
 * The page `/docs/mcp`: MUXI as a server of the Model Context Protocol, and the tool servers behind it.
 *
 * @module
 */
import { html } from "@hono/hono/html";
import host from "../assets/mcp_host.json" with { type: "text" };
import typescript from "../assets/mcp.mts" with { type: "text" };
import type { OpenApi } from "../document.ts";
import { SERVER } from "../samples/sample.ts";
import { type Html, table } from "./html.ts";
import { hrefOf, layout } from "./layout.ts";
import { codeView } from "./operation.ts";
import { policyView, serverView } from "./policy.ts";

const SECTIONS = {
  door: "Connecting",
  offered: "What clients find",
  keys: "Keys and scopes",
  long: "Long calls",
  openapi: "Tools without MCP",
  servers: "Tool servers",
  policies: "Policies",
  sandbox: "The sandbox",
} as const;

const WAYS = [
  ["/mcp", "Streamable HTTP: revision 2026-07-28 without sessions, and 2025-11-25 and older with them, on one address"],
  ["/mcp/ws", "The same messages over a WebSocket; browsers add `?ticket=`"],
  ["/api/v1/mcp/stream", "HTTP with SSE, the transport of 2024-11-05; what is sent goes to `/api/v1/mcp/message`"],
  ["muxi mcp serve", "Standard input and output, for hosts that start programs; with `--url` in front of this server"],
  ["/api/v1/mcp/request", "One request as plain JSON (`mcp_request`), and `/api/v1/mcp/tools` the list (`mcp_tools`)"],
] as const;

const OFFERED = [
  ["Tools", "`agent__ID`", "Every agent: a message in, an answer out, and `conversation_id` to go on with"],
  ["Tools", "`chat_send`, `run_get` …", "Operations, by their ids, as far as the key may use them"],
  ["Tools", "`SERVER__TOOL`", "What the tool servers behind MUXI offer, for keys with the scope `tools`"],
  [
    "Resources",
    "`muxi://conversations/ID`, `muxi://runs/ID`",
    "What was said and done, kept up to date by subscriptions",
  ],
  ["Prompts", "`AGENT__NAME`", "The prompts that agents bring along, with their arguments"],
] as const;

const TIERS = [
  [
    "full",
    "Linux with bubblewrap",
    "Only what the policy names is there at all: files, and the network through a proxy " +
    "that checks names and addresses. Programs in JavaScript also ask MUXI for every access, one by one. Memory, " +
    "processes and disk have ceilings, and nothing outlives the server",
  ],
  [
    "broker",
    "elsewhere, for programs in JavaScript",
    "They ask MUXI for every access that Deno checks. That stops what " +
    "is careless, and not every attack",
  ],
  ["none", "elsewhere, for all other programs", "Refused, unless their policy says `unsandboxed`"],
] as const;

/** The page. */
export function mcpPage(document: OpenApi, base: string): Html {
  const heading = (id: keyof typeof SECTIONS) => html`<h2 id="${id}"><a href="#${id}">${SECTIONS[id]}</a></h2>`;
  const link = (id: string) => html`<a href="${hrefOf(base, "")}#${id}"><code>${id}</code></a>`;
  const main = html`
    <h1>MCP</h1>
    <p
      class="lead">MUXI is a server of the Model Context Protocol, a client of other servers, and the gateway between them.</p>
    ${heading("door")}
    <p>The address is <code><span class="server">${SERVER}</span>${base}/mcp</code>, the key goes in
    <code>Authorization: Bearer …</code>. A host with a file of servers takes this:</p>
    ${codeView(host, { label: "JSON", title: "The entry of a desktop host" })}
    ${codeView(typescript, { label: "TypeScript", title: "The official client" })}
    ${table(["Where", "What it is"], WAYS.map(([path, text]) => [`\`${path}\``, text]))}
    ${heading("offered")}
    ${table(["Kind", "Name", "What it is"], OFFERED)}
    <p>Lists that change are told: to sessions by <code>list_changed</code>, to clients of the newest revision by
    <code>subscriptions/listen</code>. Arguments of prompts and of templates of
    resources are completed: an agent's from the <code>values</code> of its prompts, those of other servers by the
    servers.</p>
    ${heading("keys")}
    <p>Who a client is, is decided at each request, by the same keys and limits as everywhere; a session belongs to the key
    that made it. An admin key is offered everything. A user key is offered the tools of servers only with the scope
    <code>tools</code>: for the keys of the settings <code>auth.user_scopes</code> says so. For whom a client acts, it says
    by <code>X-Muxi-User</code>, by the headers of Open WebUI, or by <code>?user_id=</code> in the address; then it can't
    turn to another user, whatever its calls say. A call that a policy leaves to
    a person is refused to a user key that calls a tool directly; an agent that calls it asks, and waits. An admin's client
    that declares elicitation is asked itself; clients that declare it, or sampling, are also asked what a tool's server
    asks. A browser's <code>Origin</code> must be one that <code>server.cors</code> allows. Where JSON Web Tokens are on,
    <code>/.well-known/oauth-protected-resource</code> says who issues them.</p>
    ${heading("long")}
    <p>A client that sends a progress token is told how far a call is; for an agent, what it said so far. Leaving or
    cancelling ends the run. Clients that declare the tasks extension get a run as a task: its id is the run's, so that it
    survives a restart of either side, and <code>tasks/get</code>, <code>tasks/update</code> (which decides what waits for
    a person) and <code>tasks/cancel</code> go on with it.</p>
    ${heading("openapi")}
    <p>Programs that know OpenAPI and no MCP find every tool as a path: <code>${base}/tools/openapi.json</code> describes all
    of them, <code>${base}/tools/NAME/openapi.json</code> those of one server. Arguments are the body, the answer is the
    tool's. The key needs the scope <code>tools</code>.</p>
    ${heading("servers")}
    <p>${link("mcp_server_add")} attaches a server to an agent; <code>muxi mcp add</code> is the same at a terminal, and
    <code>muxi mcp import</code> takes the file of a desktop host. The setting <code>mcp_servers</code>
    (<code>MCP_SERVERS</code>) defines servers for all. Names are unique; an agent may use a server that is known by its
    name alone. ${link("mcp_server_get")} tells how it does, and what its sandbox decided.</p>
    <p>An agent with <code>tool_search</code> is told of one tool that finds the others and one that calls them, instead
    of all: 97 % fewer tokens for the 39 tools of the four reference servers, 86 % with what one search answers
    (<code>deno task bench --only tool_search</code>).</p>
    <p>A server that wants a person to sign in says where, in <code>sign_in_url</code>: a page of MUXI that names the
    server and for whom the sign-in is, for all users, or for the one user whose call asked for it where
    <code>oauth.per_user</code> is set. Only the browser that goes on from there can end it, within ten minutes and once;
    none of that takes a key. Whoever does decides whose account MUXI uses, so give the address to nobody else.</p>
    ${serverView()}
    ${heading("policies")}
    ${policyView()}
    <p>${link("policy_update")} changes a policy at once; its history is kept. ${link("mcp_server_learn")} runs a server
    in JavaScript once, watched and with wide rights, and proposes the least policy: what isn't used isn't learned, so
    name calls. One that was defined over the API is learned only by the operator, by <code>muxi mcp learn</code> in the
    data folder of a stopped server, or where <code>tools.trust_api_policies</code> is on.</p>
    ${heading("sandbox")}
    <p>The program of a server runs with an empty environment, and is held as well as the machine can.
    <code>muxi doctor</code> says how that is here, ${link("mcp_server_get")} for each server.</p>
    ${table(["Tier", "Where", "What holds"], TIERS)}
    <p>Programs in JavaScript are those of <code>npx</code>, <code>npm:…</code>, and local <code>.js</code> and
    <code>.ts</code> files. Their packages are fetched beforehand, from the registry only, without scripts, into a folder
    that they can't change. An access that is denied fails the call, with the policy and what it would have to allow.</p>
  `;
  const aside = html`<nav aria-label="On this page">${
    Object.entries(SECTIONS).map(([id, title]) => html`<p><a href="#${id}">${title}</a></p>`)
  }</nav>`;
  return layout({ name: "mcp", base, version: document.info.version, aside, main });
}
