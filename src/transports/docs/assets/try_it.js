/** Sends what the forms say, and shows what comes back. Text goes into the page as text, never as HTML. */
import { readFrames } from "./event_stream.js";

const MAX_FRAMES = 1000;
const MAX_TEXT = 500_000;
const FINAL = /^run\.(completed|failed|cancelled)$/;

/** An element with attributes and what is inside. */
function el(tag, attributes = {}, ...inside) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...inside);
  return element;
}

/** What a form has under way: how to stop it, and where to go on. */
const states = new WeakMap();

/** Carries out every form of the page. */
export function listenToForms(server) {
  document.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.target.dataset.path) run(event.target, server, false);
  });
  document.addEventListener("click", ({ target }) => {
    if (target.dataset?.do === "stop") states.get(target.form)?.abort.abort();
    if (target.dataset?.do === "resume") run(target.form, server, true);
  });
}

async function run(form, server, resumes) {
  const before = states.get(form);
  before?.abort.abort();
  const view = form.parentElement.querySelector(".result");
  const state = {
    abort: new AbortController(),
    user: before?.user,
    ...resumes && { ...before.place, frames: before.frames },
  };
  states.set(form, state);
  if (!resumes) view.replaceChildren();
  setButtons(form, { stop: true, resume: false });
  try {
    const request = resumes ? toResumption(state, server) : toRequest(form, state, server);
    view.append(showRequest(request, server));
    const at = performance.now();
    const response = await fetch(request.url, { ...request.options, signal: state.abort.signal });
    view.append(showHead(response, performance.now() - at));
    if (/event-stream/.test(response.headers.get("content-type") ?? "")) await showStream(response, { state, view });
    else await showBody(response, view);
  } catch (error) {
    const stopped = state.abort.signal.aborted;
    view.append(el("p", { class: "note", role: stopped ? "status" : "alert" }, stopped ? "Stopped." : String(error)));
  } finally {
    state.place = { run: state.run, last: state.last };
    if (states.get(form) === state) setButtons(form, { stop: false, resume: state.run !== undefined && !state.over });
  }
}

function setButtons(form, { stop, resume }) {
  const set = (name, on) => form.querySelector(`[data-do=${name}]`)?.toggleAttribute("disabled", !on);
  set("stop", stop);
  set("resume", resume);
}

/** The request that a form describes. */
function toRequest(form, state, { base, key }) {
  const { method, path, access } = form.dataset;
  let filled = path;
  const query = new URLSearchParams();
  const headers = new Headers();
  let body;
  for (const field of form.elements) {
    const { in: place } = field.dataset;
    if (place === "path") filled = filled.replace(`{${field.name}}`, encodeURIComponent(field.value));
    else if (place === "query" && field.value !== "") query.set(field.name, field.value);
    else if (place === "header" && field.value !== "") headers.set(field.name, field.value);
    else if (place === "body") body = toJson(field.value);
    else if (place === "events" && (field.type === "hidden" || field.checked)) {
      headers.set("accept", "text/event-stream");
    } else if (place === "file") {
      const [file] = field.files;
      body = file;
      if (!query.has("name")) query.set("name", file.name);
      headers.set("content-type", file.type || "application/octet-stream");
    }
  }
  if (typeof body === "string") headers.set("content-type", "application/json");
  if (access !== "public" || key()) authorise(headers, key());
  state.user = query.get("user_id") ?? (typeof body === "string" ? JSON.parse(body).user_id : undefined);
  const text = query.size > 0 ? `?${query}` : "";
  return { url: `${base}${filled}${text}`, options: { method, headers, ...body !== undefined && { body } } };
}

/** What a run told after the last event seen. */
function toResumption({ run, last, user }, { base, key }) {
  const headers = new Headers({ accept: "text/event-stream", "last-event-id": last });
  authorise(headers, key());
  const query = user === undefined || user === null ? "" : `?${new URLSearchParams({ user_id: user })}`;
  return { url: `${base}/api/v1/runs/${run}/events${query}`, options: { method: "GET", headers } };
}

function authorise(headers, key) {
  if (key === "") throw new Error("Enter your key at the top of the page first");
  headers.set("authorization", `Bearer ${key}`);
}

/** The text, which must be an object in JSON. */
function toJson(text) {
  const value = JSON.parse(text.trim() === "" ? "{}" : text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error("The body must be an object");
  }
  return JSON.stringify(value);
}

function showRequest({ url, options: { method, headers, body } }, { base }) {
  const lines = [`${method} ${url.slice(new URL(base).origin.length)}`];
  for (const [name, value] of headers) {
    lines.push(`${name}: ${name === "authorization" ? `${value.slice(0, 14)}…` : value}`);
  }
  if (body !== undefined) lines.push("", typeof body === "string" ? body : `(${body.size} bytes)`);
  return el("pre", { class: "sent", "aria-label": "Request", tabindex: "0" }, lines.join("\n"));
}

function showHead({ status, statusText, headers }, ms) {
  const list = [...headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  return el(
    "details",
    { class: "inner head" },
    el(
      "summary",
      {},
      el("b", { class: status < 400 ? "status" : "status bad" }, String(status)),
      ` ${statusText} · ${Math.round(ms)} ms`,
    ),
    el("pre", { tabindex: "0", "aria-label": "Headers of the answer" }, list),
  );
}

async function showBody(response, view) {
  const name = /filename="([^"]*)"/.exec(response.headers.get("content-disposition") ?? "")?.[1];
  if (name !== undefined) {
    const url = URL.createObjectURL(await response.blob());
    view.append(el("p", {}, el("a", { href: url, download: name }, `Save ${name}`)));
    return;
  }
  const text = await response.text();
  if (text === "") return;
  let shown = text;
  try {
    shown = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // It is no JSON, and shown as it came.
  }
  view.append(el("pre", { class: "body", tabindex: "0", "aria-label": "Answer" }, shown.slice(0, MAX_TEXT)));
}

/** Shows frames as they come, with the text they make. */
async function showStream(response, { state, view }) {
  let { frames } = state;
  if (!frames) {
    frames = { list: el("ol", { class: "frames" }), text: el("p", { class: "text" }) };
    state.frames = frames;
  }
  view.append(frames.list, frames.text);
  for await (const { id, event, data } of readFrames(response.body)) {
    const value = JSON.parse(data);
    if (id !== undefined) {
      state.run ??= value.run_id;
      state.last = id;
      state.over = FINAL.test(event);
    }
    if (event === "step.restarted" || event === "step.started") frames.text.textContent = "";
    if (event === "model.delta") frames.text.append(value.text);
    frames.list.append(el("li", {}, el("b", {}, id ?? "–"), " ", el("i", {}, event), " ", el("code", {}, data)));
    if (frames.list.childElementCount > MAX_FRAMES) frames.list.firstElementChild.remove();
    frames.list.scrollTop = frames.list.scrollHeight;
  }
  const end = state.over ? "The run is over." : "The stream ended; the run may go on.";
  view.append(el("p", { class: "note", role: "status" }, end));
}
