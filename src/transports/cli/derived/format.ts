/**
 * Values as a person reads them.
 *
 * @module
 */
import { toSafeJson, toSafeLine } from "../chat/safe_text.ts";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const STEPS = [["s", 60], ["min", 60], ["h", 24], ["days", Infinity]] as const;

/** Whether `value` is a point in time. */
export function isTime(value: unknown): value is string {
  return typeof value === "string" && TIME.test(value);
}

/** Whether `value` says nothing: absent, empty, or with nothing but such values inside. */
export function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return true;
  return typeof value === "object" && Object.values(value).every(isEmpty);
}

/** Whether `value` is an object with names, not a list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A point in time as its distance from `now`, such as `3 min ago`. */
export function toAge(time: string, now: number): string {
  const ms = now - Date.parse(time);
  let left = Math.abs(ms) / 1000;
  if (left < 1) return "now";
  for (const [unit, size] of STEPS) {
    if (left < size) {
      const count = Math.floor(left);
      const text = `${count} ${unit === "days" && count === 1 ? "day" : unit}`;
      return ms < 0 ? `in ${text}` : `${text} ago`;
    }
    left /= size;
  }
  return time;
}

/** A point in time in full, in this machine's zone. */
export function toMoment(time: string, now: number): string {
  const at = new Date(time);
  const two = (part: number) => String(part).padStart(2, "0");
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${date} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())} (${toAge(time, now)})`;
}

/** A number without digits that nobody asked for. */
function toFigure(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}

/** Anything on one line. */
export function toShort(value: unknown, now: number): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return toFigure(value);
  if (isTime(value)) return toAge(value, now);
  if (typeof value === "string") return toSafeLine(value);
  if (Array.isArray(value)) {
    const plain = value.every((one) => typeof one !== "object");
    return plain ? value.map((one) => toShort(one, now)).join(", ") : toSafeJson(value);
  }
  const entries = Object.entries(value).filter(([, one]) => !isEmpty(one) && one !== 0);
  if (entries.some(([, one]) => typeof one === "object")) return toSafeJson(value);
  return entries.map(([name, one]) => `${toSafeLine(name)} ${toShort(one, now)}`).join(", ");
}
