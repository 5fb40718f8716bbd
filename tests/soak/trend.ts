/**
 * Whether a figure grows.
 *
 * @module
 */
import type { CallLook } from "../support/long_browser_call.ts";
import type { Sample } from "./gauges.ts";

/**
 * How long a server only fills, in seconds: code is optimised, heaps and caches take what they may have, and tables grow
 * until retention, which looks once a minute, has its thousand runs. What grows before says nothing of a leak.
 */
export const WARM_S = 300;
/** Memory may grow by this much a request: what a server that forgets everything may still keep in warm caches. */
const KB_PER_REQUEST = 1;
/** Memory may grow by this share of itself however few the requests are: heaps breathe. */
const SHARE = 0.05;
/** Descriptors may grow by so many. */
export const DESCRIPTORS = 5;

/** How much later sound may come at the end of a call's second half than at its beginning, in milliseconds. */
const DRIFT_MS = 40;
/** How many samples of a call are judged by the quickest of them. */
const TOGETHER = 6;
/** The page of a call may grow by this much a question, which stays on it with its answer, as it looks; */
const KB_PER_QUESTION = 20;
/** and by so many megabytes however few the questions are. */
const PAGE_MB = 0.5;

/** What is said of a soak whose second half began before its server was warm. */
const TOO_SHORT = "too short to judge";

/** What a soak comes to; `incomplete` where a part of it could not be. */
export type Conclusion = "passed" | "failed" | "incomplete" | typeof TOO_SHORT;

/** What was measured of a call. */
export interface CallSample extends CallLook {
  /** Seconds since the beginning. */
  at: number;
}

/** One measurement. */
export interface Point {
  /** Seconds since the beginning. */
  at: number;
  value: number;
}

/** What the second half of a row of measurements comes to. */
export interface Trend {
  name: string;
  unit: string;
  /** The line of least squares, at the beginning and at the end of the second half. */
  from: number;
  to: number;
  /** How much that is. */
  rise: number;
  /** How much it may be. */
  most: number;
  verdict: "level" | "growing" | typeof TOO_SHORT;
  /** Whether growing fails the soak. */
  counts: boolean;
}

/** The line of least squares through `points`: its value at the first and at the last of them. */
function fitLine(points: readonly Point[]): { from: number; to: number } {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const at = mean(points.map((point) => point.at));
  const value = mean(points.map((point) => point.value));
  const spread = points.reduce((sum, point) => sum + (point.at - at) ** 2, 0);
  const slope = spread === 0
    ? 0
    : points.reduce((sum, point) => sum + (point.at - at) * (point.value - value), 0) / spread;
  const on = (time: number) => value + slope * (time - at);
  return { from: on(points[0]?.at ?? 0), to: on(points.at(-1)?.at ?? 0) };
}

/** The second half of `points`, by time. */
function secondHalf<P extends { at: number }>(points: readonly P[]): P[] {
  const middle = ((points[0]?.at ?? 0) + (points.at(-1)?.at ?? 0)) / 2;
  return points.filter(({ at }) => at >= middle);
}

/** Judges the second half of `points`, of which `most` says how much they may rise from their beginning on. */
function toTrend(
  { name, unit, counts }: Pick<Trend, "name" | "unit" | "counts">,
  points: readonly Point[],
  most: (from: number) => number,
): Trend {
  const half = secondHalf(points);
  const { from, to } = fitLine(half);
  const rise = to - from;
  const bound = most(from);
  const isWarm = half[0] !== undefined && half[0].at >= WARM_S;
  const verdict = !isWarm ? TOO_SHORT : rise > bound ? "growing" : "level";
  return { name, unit, from, to, rise, most: bound, verdict, counts };
}

/** Judges every figure of a soak by its second half. */
export function judge(samples: readonly Sample[]): Trend[] {
  const half = secondHalf(samples);
  const requests = (half.at(-1)?.requests ?? 0) - (half[0]?.requests ?? 0);
  const trend = (
    name: string,
    unit: string,
    of: (sample: Sample) => number,
    most: (from: number) => number,
    counts = false,
  ) => toTrend({ name, unit, counts }, samples.map((sample) => ({ at: sample.at, value: of(sample) })), most);
  return [
    trend("memory", "MB", ({ memory }) => memory, (from) => {
      return Math.max(requests * KB_PER_REQUEST / 1024, from * SHARE);
    }, true),
    trend("descriptors", "", ({ descriptors }) => descriptors, () => DESCRIPTORS, true),
    trend("lag of the loop, 99 of 100", "ms", ({ lag }) => lag.p99, (from) => Math.max(5, from * 0.25)),
    trend("database", "MB", ({ database }) => database, (from) => Math.max(1, from * SHARE)),
  ];
}

/**
 * How much later the quickest of each so many samples came than that of the first: a machine that is busy for a moment
 * is late, which is no drift.
 */
function drift(samples: readonly CallSample[]): Point[] {
  const quickest = Array.from({ length: Math.floor(samples.length / TOGETHER) }, (_, i) => {
    const piece = samples.slice(i * TOGETHER, (i + 1) * TOGETHER);
    return { at: piece.at(-1)!.at, late_ms: Math.min(...piece.map(({ late_ms }) => late_ms)) };
  });
  return quickest.map(({ at, late_ms }) => ({ at, value: late_ms - quickest[0]!.late_ms }));
}

/** Judges every figure of a call by its second half. */
export function judgeCall(samples: readonly CallSample[]): Trend[] {
  const waits = samples.map(({ at, waited_ms }) => ({ at, value: waited_ms }));
  const heaps = samples.map(({ at, heap }) => ({ at, value: heap }));
  const half = secondHalf(samples);
  const questions = (half.at(-1)?.asked ?? 0) - (half[0]?.asked ?? 0);
  const page_mb = PAGE_MB + questions * KB_PER_QUESTION / 1024;
  return [
    toTrend({ name: "drift of the call's sound", unit: "ms", counts: true }, drift(samples), () => DRIFT_MS),
    toTrend({ name: "wait of the call's sound", unit: "ms", counts: false }, waits, (from) => Math.max(20, from / 4)),
    toTrend({ name: "heap of the call's page", unit: "MB", counts: true }, heaps, () => page_mb),
  ];
}

/** What {@linkcode conclude} sums up. */
export interface Findings {
  trends: readonly Trend[];
  /** How many answers were wrong. */
  wrong: number;
  /** Parts that this machine lacks, for want of which something was not tried. */
  missing: readonly string[];
}

/** Sums up what was found. */
export function conclude({ trends, wrong, missing }: Findings): Conclusion {
  const verdicts = trends.filter(({ counts }) => counts).map(({ verdict }) => verdict);
  if (wrong > 0 || verdicts.includes("growing")) return "failed";
  if (missing.length > 0) return "incomplete";
  return verdicts.includes(TOO_SHORT) ? TOO_SHORT : "passed";
}
