/**
 * The picture of a run's life.
 *
 * @module
 */
import { html } from "@hono/hono/html";
import type { RunStatus } from "../../../domain/run.ts";
import type { Html } from "./html.ts";

/** Where each state is drawn. */
const BOXES: Readonly<Record<RunStatus, { x: number; y: number }>> = {
  queued: { x: 10, y: 95 },
  running: { x: 220, y: 95 },
  waiting: { x: 220, y: 215 },
  completed: { x: 470, y: 10 },
  failed: { x: 470, y: 95 },
  cancelled: { x: 470, y: 180 },
};
const WIDTH = 120;
const HEIGHT = 44;

/** Ways from state to state, each with the event that tells of it. */
const ARROWS = [
  { path: "M130 117 H218", label: "run.started", x: 174, y: 109 },
  { path: "M265 139 V213", label: "run.waiting", x: 259, y: 180, anchor: "end" },
  { path: "M295 215 V141", label: "decided", x: 301, y: 180, anchor: "start" },
  { path: "M340 106 C400 96 410 40 468 34", label: "run.completed", x: 388, y: 46, anchor: "end" },
  { path: "M340 117 H468", label: "run.failed", x: 408, y: 110 },
  { path: "M340 128 C400 138 410 190 468 198", label: "run.cancelled", x: 420, y: 162, anchor: "start" },
  { path: "M340 237 C420 237 440 222 472 226", label: "", x: 0, y: 0 },
  { path: "M70 139 C70 300 430 320 508 226", label: "run.cancelled", x: 300, y: 304 },
] as const;

/** The picture, as SVG. */
export function statesPicture(): Html {
  const boxes = Object.entries(BOXES).map(([name, { x, y }]) =>
    html`
      <g class="${x > 400 ? "final" : "open"}">
        <rect x="${x}" y="${y}" width="${WIDTH}" height="${HEIGHT}" rx="8" />
        <text x="${x + WIDTH / 2}" y="${y + HEIGHT / 2 + 5}" text-anchor="middle">${name}</text>
      </g>
    `
  );
  const arrows = ARROWS.map((arrow) =>
    html`
      <path d="${arrow.path}" marker-end="url(#tip)" />${arrow.label === ""
        ? ""
        : html`<text class="event" x="${arrow.x}" y="${arrow.y}" text-anchor="${
          "anchor" in arrow ? arrow.anchor : "middle"
        }">${arrow.label}</text>`}
    `
  );
  return html`
    <figure class="picture">
      <svg viewBox="0 0 600 310" role="img" aria-labelledby="states-title states-desc">
    <title id="states-title">The states of a run</title>
    <desc id="states-desc">A run is queued, then running. From running it may wait for a person and go on. It ends completed,
    failed or cancelled; nothing comes after these three.</desc>
    <defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
    <path d="M0 0 L8 4 L0 8 z"/></marker></defs>
    ${arrows}${boxes}</svg>
    </figure>
  `;
}
