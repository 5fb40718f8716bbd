/**
 * Colours: as the system has them, light or dark; remembered with those of the documentation.
 *
 * @module
 */
import { byId } from "./element.ts";

const THEMES = { "": "as the system", light: "light", dark: "dark" } as const;
const STORED = "muxi.theme";

/** Paints the page as it was painted last, and lets the button change it. */
export function startTheme(): void {
  const names = Object.keys(THEMES) as (keyof typeof THEMES)[];
  const button = byId("theme");
  const paint = (theme: keyof typeof THEMES) => {
    document.documentElement.dataset.theme = theme;
    button.setAttribute("aria-label", `Colours: ${THEMES[theme]}`);
  };
  paint(names.find((name) => name === localStorage.getItem(STORED)) ?? "");
  button.addEventListener("click", () => {
    const now = names.findIndex((name) => name === document.documentElement.dataset.theme);
    const next = names[(now + 1) % names.length]!;
    paint(next);
    localStorage.setItem(STORED, next);
  });
}
