/**
 * The page `/docs/openai`: how clients of OpenAI's API attach.
 *
 * @module
 */
import { html } from "@hono/hono/html";
import python from "../assets/openai.py" with { type: "text" };
import shell from "../assets/openai.sh" with { type: "text" };
import typescript from "../assets/openai.mts" with { type: "text" };
import type { OpenApi } from "../document.ts";
import { SERVER } from "../samples/sample.ts";
import { type Html, prose } from "./html.ts";
import { hrefOf, layout } from "./layout.ts";
import { codeView } from "./operation.ts";

const ROUTES = [
  ["GET", "/v1/models", "The agents, as models with their names"],
  ["GET", "/v1/models/{id}", "One of them"],
  ["POST", "/v1/chat/completions", "A run of an agent, streamed or not"],
  ["POST", "/v1/responses", "The same, with its events; with `background` it goes on when you leave"],
  ["GET", "/v1/responses/{id}", "The answer; with `?stream=true&starting_after=` its events from any place"],
  ["DELETE", "/v1/responses/{id}", "Forget it"],
  ["POST", "/v1/responses/{id}/cancel", "Stop one in the background"],
  ["GET", "/v1/responses/{id}/input_items", "What was asked"],
  ["POST", "/v1/realtime/calls", "A call: a description (SDP) in, one out; events on the data channel `oai-events`"],
  ["POST", "/v1/realtime/calls/{call_id}/hangup", "Ends a call"],
  ["POST", "/v1/realtime/client_secrets", "A secret for a browser, which opens calls and nothing else"],
  ["GET", "/v1/realtime", "A WebSocket beside a call (`?call_id=`), to follow and steer it"],
] as const;

const HEADERS = [
  [
    "X-Muxi-Conversation",
    "Pins a conversation by a name of yours. The server remembers it, and only the newest message " +
    "of a request counts. Without it a request stands by itself, with the messages it brings. " +
    "`X-OpenWebUI-Chat-Id` does the same.",
  ],
  ["X-Muxi-User", "For whom you act; otherwise `X-OpenWebUI-User-Id`, or the body's `user` or `safety_identifier`."],
  [
    "X-Muxi-Task",
    "The request is a chore of the client's own, such as a title or tags: a plain call of the agent's model, " +
    "without a run and without memory.",
  ],
  [
    "X-Muxi-Events",
    "`openwebui`: frames with the state of the run and its sources for Open WebUI, between the chunks.",
  ],
] as const;

/** The page. */
export function openAiPage(document: OpenApi, base: string): Html {
  const main = html`
    <h1>OpenAI clients</h1>
    <p class="lead">What speaks OpenAI's API talks to agents by changing its base address and its key.</p>
    <div class="wide">
      <table>
        <tbody>
          <tr>
            <th scope="row">Base address</th>
            <td><code class="server-path">${SERVER}${base}/v1</code></td>
          </tr>
          <tr>
            <th scope="row">Key</th>
            <td>A user key of this server</td>
          </tr>
          <tr>
            <th scope="row">Model</th>
            <td>The id of an agent, such as <code>assistant</code></td>
          </tr>
        </tbody>
      </table>
    </div>
    <h2 id="code"><a href="#code">Code</a></h2>
    ${codeView(shell, { label: "curl", title: "A streamed answer with curl" })}
    ${codeView(typescript, { label: "TypeScript", title: "A streamed answer in TypeScript" })}
    ${codeView(python, { label: "Python", title: "An answer in Python" })}
    <h2 id="paths"><a href="#paths">Paths</a></h2>
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th scope="col">Path</th>
            <th scope="col">What it is</th>
          </tr>
        </thead>
        <tbody>${ROUTES.map(([method, path, text]) =>
          html`
            <tr>
              <td><code>${method} ${path}</code></td>
              <td>${prose(text)}</td>
            </tr>
          `
        )}</tbody>
      </table>
    </div>
    <h2 id="headers"><a href="#headers">Headers</a></h2>
    <dl class="fields">${HEADERS.map(([name, text]) =>
      html`
        <div>
          <dt><code>${name}</code></dt>
          <dd>${prose(text)}</dd>
        </div>
      `
    )}</dl>
    <h2 id="rules"><a href="#rules">Good to know</a></h2>
    <ul>
      <li>Tools of the agent are used inside the run and never come as <code>tool_calls</code>. Tools that the request
    brings are the caller's: they come as calls, and their results go back as messages with the role <code>tool</code>.</li>
      <li>In calls a tool that a person has to approve, and an agent that wants to look at the camera or the screen, come
    as an item <code>mcp_approval_request</code>, answered by <code>mcp_approval_response</code>. That a call is recorded
    or watched comes as events of ours: <a href="${hrefOf(base, "call")}#watch">calls</a>.</li>
      <li>Closing the connection stops the run, except for responses in the background.</li>
      <li>The run behind an answer is <code>run_X</code> for <code>chatcmpl-X</code> and <code>resp_X</code>:
    <a href="${hrefOf(base, "")}#run_get"><code>run_get</code></a> and its steps tell what it did.</li>
      <li>Errors have OpenAI's shape: <code>{"error": {"message", "type", "param", "code"}}</code>.</li>
      <li>An answer that fails after its first word can't change its status any more. A stream then ends with a frame that
    has <code>error</code>, and without <code>[DONE]</code>. A completion that isn't streamed has <code>error</code> beside
    its one choice, which holds what was said so far and whose <code>finish_reason</code> is <code>error</code>; of an
    answer with a <code>response_format</code> nothing is told. A response has the status <code>failed</code>.</li>
      <li>A field that asks for something this server can't do is refused with its name in <code>param</code>. One that it
    doesn't know is left out, and the header <code>X-Muxi-Ignored</code> names it.</li>
    </ul>
    <h2 id="open-webui"><a href="#open-webui">Open WebUI</a></h2>
    <p>Add an OpenAI connection with the base address and a user key. As its headers:</p>
    <pre tabindex="0"><code>${JSON.stringify(
      {
        "X-Muxi-Conversation": "{{CHAT_ID}}",
        "X-Muxi-User": "{{USER_ID}}",
        "X-Muxi-Task": "{{TASK}}",
        "X-Muxi-Events": "openwebui",
      },
      null,
      2,
    )}</code></pre>
    <p>Where the server's setting <code>auth.open_webui_secret</code> is what Open WebUI signs its users with, the signed
    user rules, and one that isn't signed is refused.</p>
  `;
  const sections = {
    code: "Code",
    paths: "Paths",
    headers: "Headers",
    rules: "Good to know",
    "open-webui": "Open WebUI",
  };
  const aside = html`<nav aria-label="On this page">${
    Object.entries(sections).map(([id, title]) => html`<p><a href="#${id}">${title}</a></p>`)
  }</nav>`;
  return layout({ name: "openai", base, version: document.info.version, aside, main });
}
