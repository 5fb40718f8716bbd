/** What the pages do by themselves: colours, languages, the filter, the server's address in code. */
import { listenToForms } from "./try_it.js";

const root = document.documentElement;
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
root.classList.add("js");

// The server's address, as this browser sees it.
const here = location.origin + root.dataset.base;
for (const place of all(".server")) place.textContent = here;
for (const place of all(".server-path")) place.textContent = `${here}/v1`;

/** Remembers a choice where the browser allows it. */
function remember(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(name);
    localStorage.setItem(name, value);
  } catch {
    return null;
  }
}

function choose(lang) {
  root.dataset.lang = lang;
  for (const button of all("[data-set-lang]")) {
    button.setAttribute("aria-pressed", String(button.dataset.setLang === lang));
  }
}

const themes = { "": "as the system", light: "light", dark: "dark" };
function paint(theme) {
  root.dataset.theme = theme;
  document.querySelector(".theme")?.setAttribute("aria-label", `Colours: ${themes[theme] ?? themes[""]}`);
}
paint(remember("muxi.theme") ?? "");
choose(remember("muxi.lang") ?? "curl");

const menu = document.querySelector(".menu");
function toggleMenu(open) {
  root.classList.toggle("menu-open", open);
  menu.setAttribute("aria-expanded", String(open));
}

for (const sample of all(".sample")) {
  if (!navigator.clipboard) break;
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "copy", textContent: "Copy" });
  sample.append(button);
}

document.addEventListener("click", async ({ target }) => {
  if (target.dataset?.setLang) {
    const top = target.getBoundingClientRect().top;
    choose(target.dataset.setLang);
    remember("muxi.lang", target.dataset.setLang);
    // Samples above have other heights now: what was clicked stays where it is.
    scrollBy(0, target.getBoundingClientRect().top - top);
  } else if (target.matches(".theme")) {
    const names = Object.keys(themes);
    const next = names[(names.indexOf(root.dataset.theme) + 1) % names.length];
    paint(next);
    remember("muxi.theme", next);
  } else if (target === menu) {
    toggleMenu(menu.getAttribute("aria-expanded") !== "true");
  } else if (target.closest("#aside a")) {
    toggleMenu(false);
  } else if (target.matches(".copy")) {
    await navigator.clipboard.writeText(target.parentElement.querySelector("code").textContent);
    target.textContent = "Copied";
    setTimeout(() => target.textContent = "Copy", 1500);
  }
});

// Paper can't be clicked.
addEventListener("beforeprint", () => all("details:not([open]):not(.try)").forEach((one) => one.open = true));

const filter = document.querySelector("#filter");
if (filter) {
  const operations = all(".op").map((op) => ({ op, text: op.dataset.text.toLowerCase() }));
  const entries = new Map(all("[data-for]").map((entry) => [entry.dataset.for, entry]));
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const { op, text } of operations) {
      op.hidden = !words.every((word) => text.includes(word));
      entries.get(op.id).hidden = op.hidden;
    }
    for (const group of all(".group")) {
      group.hidden = words.length > 0 && !group.querySelector(".op:not([hidden])");
    }
    for (const list of all("#aside nav ul")) {
      list.hidden = !list.querySelector("li:not([hidden])");
      list.previousElementSibling.hidden = list.hidden;
    }
    root.classList.toggle("filtered", words.length > 0);
    scrollTo({ top: 0, behavior: "instant" });
    document.querySelector(".none").hidden = operations.some(({ op }) => !op.hidden);
  });
  addEventListener("keydown", (event) => {
    const typing = event.target.matches?.("input, textarea, select");
    if (event.key === "/" && !typing) {
      event.preventDefault();
      toggleMenu(true);
      filter.focus();
    } else if (event.key === "Escape" && event.target === filter) {
      filter.value = "";
      filter.dispatchEvent(new Event("input"));
      filter.blur();
    }
  });
}

// The key is kept here, and in the tab's own storage if its owner wants that.
const key = document.querySelector("#key");
if (key) {
  const keep = document.querySelector("#keep");
  const stored = sessionStorage.getItem("muxi.key");
  if (stored) [key.value, keep.checked] = [stored, true];
  const store = () => {
    if (keep.checked && key.value) sessionStorage.setItem("muxi.key", key.value.trim());
    else sessionStorage.removeItem("muxi.key");
  };
  key.addEventListener("input", store);
  keep.addEventListener("change", store);
  listenToForms({ base: here, key: () => key.value.trim() });
}
