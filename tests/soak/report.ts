/**
 * How a soak is told to people.
 *
 * @module
 */
import type { Sample } from "./gauges.ts";
import type { Outcome } from "./main.ts";

const round = (value: number) => value.toFixed(1);

/** One sample as a line. */
export function toLine(sample: Sample, { minutes, wrong }: { minutes: number; wrong: number }): string {
  const { at, memory, descriptors, lag, database, requests, cpu } = sample;
  return [
    `${Math.round(at)} of ${minutes * 60} s`,
    `${requests} requests`,
    `${round(memory)} MB`,
    `${descriptors} descriptors`,
    `lag ${round(lag.p50)}/${round(lag.p99)}/${round(lag.max)} ms`,
    `database ${round(database)} MB`,
    `${round(cpu)} cores`,
    `${wrong} wrong`,
  ].join("  ");
}

/** Everything, as text. */
export function toText(
  { minutes, seed, requests, stories, idle, trends, rows, wrong, call, samples, conclusion }: Outcome,
): string {
  const told = Object.entries(stories).map(([name, count]) => `${name} ${count}`).join(", ");
  const lines = [
    `${requests} requests in ${minutes} minutes (seed ${seed}): ${told}`,
    `longest stall of the loop: ${round(Math.max(...samples.map(({ lag }) => lag.max)))} ms`,
    ...["before", "after"].map((when) => {
      const { memory, descriptors } = idle[when as keyof typeof idle];
      return `${when} the load: ${round(memory)} MB, ${descriptors} descriptors`;
    }),
    ...trends.map(({ name, unit, from, to, rise, most, verdict, counts }) => {
      const of = (value: number) => `${round(value)}${unit && ` ${unit}`}`;
      return `${name}: ${verdict}, ${of(from)} to ${of(to)} over the second half: ${rise < 0 ? "" : "+"}${of(rise)}, ` +
        `at most +${of(most)}${counts ? "" : " (for information)"}`;
    }),
    ...call === null ? [] : [
      `a call of ${
        Math.round(call.seconds)
      } s: ${call.answered} of ${call.asked} questions answered, ${call.packets} packets, ` +
      `${call.lost} lost, ${round(call.skipped_ms)} ms left out, drift ${round(call.drift_ms)} ms`,
    ],
    `rows: ${Object.entries(rows).map(([table, count]) => `${table} ${count}`).join(", ")}`,
    `${wrong.count} wrong answers`,
    ...wrong.first.map((text) => `  ${text}`),
    conclusion,
  ];
  return `${lines.join("\n")}\n`;
}
