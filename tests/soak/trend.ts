/**
 * Whether a figure grows.
 *
 * @module
 */

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
  verdict: "level" | "growing";
  /** Whether growing fails the soak. */
  counts: boolean;
}

/** The line of least squares through `points`: its value at the first and at the last of them. */
export function fitLine(points: readonly Point[]): { from: number; to: number } {
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
export function secondHalf<P extends { at: number }>(points: readonly P[]): P[] {
  const middle = ((points[0]?.at ?? 0) + (points.at(-1)?.at ?? 0)) / 2;
  return points.filter(({ at }) => at >= middle);
}

/** Judges the second half of `points`, of which `most` says how much they may rise from their beginning on. */
export function toTrend(
  { name, unit, counts }: Pick<Trend, "name" | "unit" | "counts">,
  points: readonly Point[],
  most: (from: number) => number,
): Trend {
  const { from, to } = fitLine(secondHalf(points));
  const rise = to - from;
  const bound = most(from);
  return { name, unit, from, to, rise, most: bound, verdict: rise > bound ? "growing" : "level", counts };
}
