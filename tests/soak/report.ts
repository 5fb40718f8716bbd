/**
 * How a soak is told to people.
 *
 * @module
 */
import { toWords } from "../support/machine_time.ts";
import type { CallReport } from "./call.ts";
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

/** What became of a call. */
function toCall(call: CallReport): string {
  const { seconds, asked, answered, heard, slowest_ms, packets, lost, played_s, concealed_s, there, excused } = call;
  return [
    `a call of ${Math.round(seconds)} s in a browser: ${answered} of ${asked} questions answered, ${heard} heard`,
    `the slowest after ${Math.round(slowest_ms)} ms`,
    `${packets} packets came, ${lost} were lost`,
    `${round(played_s)} s were played, ${round(concealed_s)} s of them made up`,
    `of the caller's ${there.packets_lost} were lost, ${there.packets_stale} too late, ${there.frames_concealed} made up`,
    ...excused === 0 ? [] : [`${excused} questions that went wrong while the machine stood still don't count`],
  ].join(", ");
}

/** Everything, as text. */
export function toText(
  { minutes, seed, requests, stories, idle, trends, rows, wrong, missing, call, samples, stolen, conclusion }: Outcome,
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
    ...call === null ? [] : [toCall(call)],
    ...missing.length === 0 ? [] : [`nobody called: this machine lacks ${missing.join(" and ")}`],
    `rows: ${Object.entries(rows).map(([table, count]) => `${table} ${count}`).join(", ")}`,
    `the machine ${toWords(stolen)}`,
    `${wrong.count} wrong answers`,
    ...wrong.first.map((text) => `  ${text}`),
    conclusion,
  ];
  return `${lines.join("\n")}\n`;
}
