/**
 * What must be true of a database after any crash: the invariants, read from
 * its tables, and the promises made to clients.
 *
 * @module
 */
import Database from "libsql";
import { DELTA_TYPES, isFinal } from "../../src/domain/event.ts";
import { FINAL_STATUS } from "../../src/domain/run.ts";
import { type Table, TABLES, type Tables } from "../../src/domain/table.ts";
import type { Promises } from "./crash_client.ts";

/** The rows of every table that a run touches. */
export type Rows = { [T in Table]: Tables[T][] };

/** Reads all tables, beside the server that owns them. */
export function readDatabase(path: string): Rows & { integrity: string } {
  const database = new Database(path, { timeout: 5000 });
  try {
    const rows = Object.fromEntries(
      Object.entries(TABLES).map(([table, { json, flags }]) => {
        // deno-lint-ignore no-explicit-any -- rows of every table
        const all = database.prepare(`SELECT * FROM ${table}`).all([]) as any[];
        for (const row of all) {
          for (const column of json) if (typeof row[column] === "string") row[column] = JSON.parse(row[column]);
          for (const column of flags) row[column] = row[column] !== 0;
        }
        return [table, all];
      }),
    ) as Rows;
    const [check] = database.prepare("PRAGMA integrity_check").all([]) as { integrity_check: string }[];
    return { ...rows, integrity: check!.integrity_check };
  } finally {
    database.close();
  }
}

/** Collects what is wrong. */
export class Findings {
  readonly list: string[] = [];

  /** Notes `what` unless `good`. */
  want(good: boolean, what: () => string): void {
    if (!good) this.list.push(what());
  }

  /** Notes when two values differ. */
  same(found: unknown, wanted: unknown, what: string): void {
    const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
    if (a !== b) this.list.push(`${what}: found ${a}, want ${b}`);
  }
}

function groupBy<T>(rows: readonly T[], key: (row: T) => string): Map<string, T[]> {
  return Map.groupBy(rows, key);
}

/** Checks everything that needs no promise. Nothing may be active any more. */
export function checkRows(rows: Rows & { integrity: string }): string[] {
  const findings = new Findings();
  findings.same(rows.integrity, "ok", "integrity_check");
  const events = groupBy(rows.events, ({ run_id }) => run_id);
  const parts = {
    steps: groupBy(rows.steps, ({ run_id }) => run_id),
    tool_calls: groupBy(rows.tool_calls, ({ run_id }) => run_id ?? ""),
    model_calls: groupBy(rows.model_calls, ({ run_id }) => run_id ?? ""),
    messages: groupBy(rows.messages, ({ run_id }) => run_id ?? ""),
  };
  const runs = new Map(rows.runs.map((run) => [run.id, run]));
  for (const run_id of events.keys()) findings.want(runs.has(run_id), () => `${run_id} has events and no row`);
  for (const run of rows.runs) {
    const log = (events.get(run.id) ?? []).toSorted((a, b) => a.seq - b.seq);
    findings.same(log.map(({ seq }) => seq), log.map((_, i) => i + 1), `${run.id} seq`);
    findings.want(FINAL_STATUS.includes(run.status), () => `${run.id} is left ${run.status}`);
    findings.same(log.filter(({ type }) => isFinal(type)).length, 1, `${run.id} final events`);
    findings.same(log.at(-1)?.type, `run.${run.status}`, `${run.id} last event`);
    findings.want(/^run\.(started|queued)$/.test(log[0]?.type ?? ""), () => `${run.id} begins with ${log[0]?.type}`);
    findings.same(run.instance_id, null, `${run.id} owner`);
    const part: Part = {
      run,
      log,
      steps: (parts.steps.get(run.id) ?? []).toSorted((a, b) => a.position - b.position),
      tool_calls: parts.tool_calls.get(run.id) ?? [],
      model_calls: parts.model_calls.get(run.id) ?? [],
      // In the order they were said.
      messages: (parts.messages.get(run.id) ?? []).toSorted((a, b) => a.id < b.id ? -1 : 1),
    };
    checkSpeech(part, findings);
    checkTools(part, findings);
  }
  for (const call of rows.tool_calls) {
    const open = ["pending", "approval_required", "running", "unknown"].includes(call.status);
    findings.want(!open, () => `${call.id} is left ${call.status}`);
  }
  for (const { id, status } of rows.approvals) findings.want(status !== "pending", () => `${id} is left pending`);
  checkConversations(rows, findings);
  return findings.list;
}

/** All of one run. */
interface Part extends Pick<Rows, "steps" | "tool_calls" | "model_calls" | "messages"> {
  run: Tables["runs"];
  log: Tables["events"][];
}

/** What a run said and used. */
function checkSpeech({ run, log, steps, model_calls, messages }: Part, findings: Findings): void {
  const sum = (column: "input_tokens" | "output_tokens") => model_calls.reduce((total, row) => total + row[column], 0);
  findings.same(run.usage.input_tokens, sum("input_tokens"), `${run.id} input tokens`);
  findings.same(run.usage.output_tokens, sum("output_tokens"), `${run.id} output tokens`);
  findings.same(steps.map(({ position }) => position), steps.map((_, i) => i), `${run.id} steps`);
  for (const step of steps) findings.want(step.status !== "running", () => `${step.id} of ${run.id} is left running`);
  const texts = new Map<string, string>();
  for (const { type, data } of log) {
    const { step_id, text, message } = JSON.parse(data);
    if (type === "step.restarted") texts.delete(step_id);
    if (type === DELTA_TYPES[0]) texts.set(step_id, (texts.get(step_id) ?? "") + text);
    if (type !== "message.completed") continue;
    findings.same(texts.get(step_id) ?? "", message.content, `${run.id} text of ${step_id}`);
    const stored = messages.filter(({ id }) => id === message.id);
    findings.same(stored.map(({ content }) => content), [message.content], `${message.id} as stored`);
  }
  for (const step of steps) {
    if (step.output) findings.same(texts.get(step.id) ?? "", step.output.text, `${run.id} output of ${step.id}`);
  }
  const final = JSON.parse(log.at(-1)?.data ?? "{}");
  findings.same(final.usage, run.usage, `${run.id} usage in its last event`);
  if (run.status === "failed") findings.same(final.error, run.error, `${run.id} error`);
  if (run.status === "completed") {
    const said = messages.filter(({ role, tool_calls }) => role === "assistant" && !tool_calls);
    findings.same(said.map(({ id }) => id), [final.message?.id], `${run.id} answers`);
  }
}

/** What a run had done: every result once, nothing repeated unless it may be or a person said so. */
function checkTools({ log, tool_calls, messages }: Part, findings: Findings): void {
  const told = (type: string, id: string) =>
    log.filter((event) => event.type === type && JSON.parse(event.data).tool_call_id === id);
  for (const call of tool_calls) {
    const answers = messages.filter(({ tool_call_id }) => tool_call_id === call.id);
    const results = told("tool.call.result", call.id);
    const ended = call.status !== "cancelled";
    findings.same(results.length, ended ? 1 : 0, `${call.id} (${call.status}) results`);
    findings.same(answers.length, ended ? 1 : 0, `${call.id} (${call.status}) messages`);
    const unknown = told("tool.call.approval_required", call.id)
      .filter(({ data }) => /nobody knows/.test(JSON.parse(data).reason));
    const approved = told("tool.call.approved", call.id);
    const asked = told("tool.call.approval_required", call.id).length - unknown.length;
    findings.want(asked <= 1, () => `${call.id}: a person was asked ${asked} times for the same`);
    const starts = told("tool.call.started", call.id).length;
    const allowed = call.idempotent ? call.attempt : 1 + Math.max(0, approved.length - asked);
    findings.want(starts <= allowed, () => `${call.id} of ${call.tool} began ${starts} times: want ${allowed} at most`);
  }
  const requested = new Set<string>();
  // Every request comes before its answers.
  for (const message of messages) {
    for (const { tool_call_id } of message.tool_calls ?? []) requested.add(tool_call_id);
    if (message.role !== "tool") continue;
    findings.want(requested.has(message.tool_call_id ?? ""), () => `${message.id} answers before the request`);
  }
}

/** Runs of a conversation follow one another. */
function checkConversations(rows: Rows, findings: Findings): void {
  const runs = groupBy(rows.runs, ({ conversation_id }) => conversation_id);
  for (const conversation of rows.conversations) {
    const turns = (runs.get(conversation.id) ?? []).toSorted((a, b) => a.turn - b.turn);
    findings.same(turns.map(({ turn }) => turn), turns.map((_, i) => i + 1), `${conversation.id} turns`);
    findings.same(conversation.turns, turns.length, `${conversation.id} number of turns`);
    for (const [i, run] of turns.entries()) {
      const before = turns[i - 1];
      if (!before || run.started_at === null) continue;
      const after = before.ended_at !== null && before.ended_at <= run.started_at;
      findings.want(after, () => `${run.id} began before ${before.id} was over`);
    }
  }
}

/** Checks that every promise was kept. */
export function checkPromises(rows: Rows, promises: Promises): string[] {
  const findings = new Findings();
  const contents = groupBy(rows.messages.filter(({ role }) => role === "user"), ({ content }) => content);
  for (const [content, { conversation_id, message_id }] of promises.messages) {
    const found = contents.get(content) ?? [];
    findings.same(found.length, 1, `messages "${content}"`);
    if (conversation_id) findings.same(found[0]?.conversation_id, conversation_id, `"${content}" conversation`);
    if (message_id) findings.same(found[0]?.id, message_id, `"${content}" id`);
  }
  for (const [content, found] of contents) findings.same(found.length, 1, `messages "${content}", promised or not`);
  const runs = new Map(rows.runs.map((run) => [run.id, run]));
  const events = groupBy(rows.events, ({ run_id }) => run_id);
  for (const [run_id, seen] of promises.runs) {
    const run = runs.get(run_id);
    if (!run) {
      findings.list.push(`${run_id} was acknowledged and is lost`);
      continue;
    }
    const log = (events.get(run_id) ?? []).toSorted((a, b) => a.seq - b.seq);
    const stored = log.map(({ seq, type, data }) => [seq, type, data]);
    const noted = seen.map(({ id, type, data }) => [id, type, JSON.stringify(data)]);
    const odd = stored.findIndex((event, i) => JSON.stringify(event) !== JSON.stringify(noted[i]));
    if (odd >= 0) findings.same(noted[odd], stored[odd], `${run_id} event ${odd + 1} as seen`);
    findings.same(noted.length, stored.length, `${run_id} events seen`);
    if (!promises.cancelled.has(run_id)) continue;
    findings.same(run.status, "cancelled", `${run_id}, cancelled,`);
    findings.want(
      !log.some(({ type }) => type === "step.restarted"),
      () => `${run_id} went on although it was cancelled`,
    );
  }
  for (const [about, verdict] of promises.decided) {
    const [id, kind, attempt] = about.split(":");
    const call = rows.tool_calls.find((row) => row.id === id);
    if (!call || runs.get(call.run_id ?? "")?.status === "cancelled") continue;
    const obeyed = verdict === "deny"
      ? call.status === "denied"
      : kind === "approval" || call.attempt > Number(attempt) || call.status === "failed";
    findings.want(obeyed, () => `${about}: "${verdict}" was acknowledged, and the call is ${call.status}`);
  }
  return findings.list;
}

/** What the tools did to the world, a line `tool story number` each, against what the log says. */
export function checkEffects(lines: readonly string[], rows: Rows): string[] {
  const findings = new Findings();
  const asked = groupBy(rows.messages.filter(({ role }) => role === "user"), ({ content }) => content);
  const begun = groupBy(rows.events.filter(({ type }) => type === "tool.call.started"), ({ run_id, data }) => {
    return `${run_id} ${JSON.parse(data).tool}`;
  });
  for (const [line, done] of Map.groupBy(lines, (line) => line)) {
    const [tool, ...message] = line.split(" ");
    const run_id = asked.get(message.join(" "))?.[0]?.run_id;
    const starts = begun.get(`${run_id} ${tool}`)?.length ?? 0;
    findings.want(done.length <= starts, () => `"${line}" was done ${done.length} times and begun ${starts} times`);
  }
  return findings.list;
}
