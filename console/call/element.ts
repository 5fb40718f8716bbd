/**
 * Elements of the page, by id and newly made. Text goes in as text, never as HTML.
 *
 * @module
 */

/** The element with an id, which the page has. */
export function byId<Type extends HTMLElement = HTMLElement>(id: string): Type {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`Cannot find "#${id}" in the page`);
  return found as Type;
}

/** An element with attributes and what is inside. */
export function el<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>> = {},
  ...inside: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...inside);
  return element;
}

/** A button that does something. */
export function button(text: string, onClick: () => void, attributes: Readonly<Record<string, string>> = {}) {
  const made = el("button", { type: "button", ...attributes }, text);
  made.addEventListener("click", onClick);
  return made;
}

/** Shows text, or hides its element where there is none. */
export function show(element: HTMLElement, text: string): void {
  element.textContent = text;
  element.hidden = text === "";
}

/** Draws a level: only a custom property changes, the style sheet does the rest. */
export function drawLevel(element: HTMLElement, level: number): void {
  element.style.setProperty("--level", level.toFixed(2));
}
