/**
 * Whether a figure grows.
 *
 * @module
 */
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

/** What is said of a soak whose second half began before its server was warm. */
const TOO_SHORT = "too short to judge";

/** What a soak comes to. */
export type Conclusion = "passed" | "failed" | typeof TOO_SHORT;

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

/** Sums up what was found and how many answers were wrong. */
export function conclude(trends: readonly Trend[], wrong: number): Conclusion {
  const verdicts = trends.filter(({ counts }) => counts).map(({ verdict }) => verdict);
  if (wrong > 0 || verdicts.includes("growing")) return "failed";
  return verdicts.includes(TOO_SHORT) ? TOO_SHORT : "passed";
}
