/**
 * The server itself: health, status, usage, configuration, tickets.
 *
 * @module
 */
import { z } from "zod";
import type { Tickets } from "../core/identity/tickets.ts";
import type { System } from "../core/system/system.ts";
import { UserId } from "../domain/conversation.ts";
import { AppError } from "../domain/error.ts";
import { type Bound, call, onCall } from "./operation.ts";

const ComponentShape = z.object({ name: z.string(), ok: z.boolean(), detail: z.string() });
const Health = z.object({
  status: z.enum(["ok", "degraded", "unavailable"]),
  components: z.array(ComponentShape).optional(),
});

/** Reads and reloads the settings; the composition root has them. */
export interface Configuration {
  /** The settings with secrets masked. */
  masked(): Record<string, unknown>;
  /** Reads the settings anew, and puts them in force if they are right. */
  reload(): Promise<{ changed: string[]; restart_required: string[] }>;
}

/** Tells that the process lives. */
export const healthLive = call({
  id: "health_live",
  summary: "Whether the process lives",
  access: "public",
  input: z.strictObject({}),
  output: Health,
  errors: [],
  http: "GET ^/health/live",
  limit: "public",
});

/** Tells whether requests can be served. */
export const healthReady = call({
  id: "health_ready",
  summary: "Whether requests can be served; an admin sees the parts",
  access: "public",
  input: z.strictObject({}),
  output: Health,
  errors: ["UnavailableError"],
  http: "GET ^/health/ready",
  limit: "public",
});

/** Shows how the server is doing. */
export const systemStatus = call({
  id: "system_status",
  summary: "Get the state of the server",
  access: "admin",
  input: z.strictObject({}),
  output: z.object({
    status: z.enum(["ok", "degraded", "draining"]),
    version: z.string(),
    instance_id: z.string(),
    started_at: z.string(),
    uptime_seconds: z.number(),
    active_runs: z.number(),
    open_streams: z.number(),
    open_requests: z.number(),
    runs: z.record(z.string(), z.number()),
    components: z.array(ComponentShape),
  }),
  errors: [],
  http: "GET /system/status",
  mcp: { read_only: true },
  limit: "admin",
});

/** Shows what models were used for. */
export const systemUsage = call({
  id: "system_usage",
  summary: "Get tokens and cost of model calls, in groups",
  access: "admin",
  input: z.strictObject({
    from: z.iso.datetime().optional().describe("Absent: 30 days ago"),
    to: z.iso.datetime().optional().describe("Absent: now"),
    by: z.enum(["model", "agent", "user", "key"]).default("model"),
  }),
  output: z.object({
    from: z.string(),
    to: z.string(),
    data: z.array(z.object({
      group: z.string(),
      calls: z.number(),
      input_tokens: z.number(),
      output_tokens: z.number(),
      reasoning_tokens: z.number(),
      cached_input_tokens: z.number(),
      cost: z.number().nullable(),
    })),
  }),
  errors: [],
  http: "GET /system/usage",
  mcp: { read_only: true },
  limit: "admin",
});

/** Shows the settings. */
export const configGet = call({
  id: "config_get",
  summary: "Get the settings in force, secrets masked",
  access: "admin",
  input: z.strictObject({}),
  output: z.record(z.string(), z.unknown()),
  errors: [],
  http: "GET /system/config",
  limit: "admin",
});

/** Reloads the settings. */
export const configReload = call({
  id: "config_reload",
  summary: "Read the settings anew; refused whole when one is wrong",
  access: "admin",
  input: z.strictObject({}),
  output: z.object({ changed: z.array(z.string()), restart_required: z.array(z.string()) }),
  errors: ["ConfigurationError"],
  http: "POST /system/config/reload",
  limit: "admin",
});

/** Makes a ticket. */
export const ticketCreate = call({
  id: "ticket_create",
  summary: "Get a ticket for one request of a browser that can't send a header (`?ticket=`), good for a minute",
  access: "user",
  input: z.strictObject({
    user_id: UserId.optional(),
    path: z.string().max(500).regex(/^\/(?!(api\/)?v1\/)[\w/.-]+$/, "want a path without its /api/v1").optional()
      .describe(
        "What it is good for instead: reading this below the prefix, as often as wanted, for an hour, as a player does",
      ),
  }),
  output: z.object({ ticket: z.string(), expires_at: z.string() }),
  status: 201,
  errors: ["UnavailableError"],
  http: "POST /tickets",
  limit: "write",
});

/** Every operation of this file. */
export const systemOperations = [
  healthLive,
  healthReady,
  systemStatus,
  systemUsage,
  configGet,
  configReload,
  ticketCreate,
] as const;

const MONTH = 30 * 86_400_000;

/** Binds this file's operations. */
export function bindSystem(
  { system, configuration, tickets }: { system: System; configuration: Configuration; tickets: Tickets },
): Bound[] {
  return [
    onCall(healthLive, () => Promise.resolve({ status: "ok" as const })),
    onCall(healthReady, async (_, { principal }) => {
      if (!await system.ready()) {
        throw new AppError("UnavailableError", "Cannot serve requests now", { retry_after: 5 });
      }
      if (principal.access !== "admin") return { status: "ok" as const };
      const components = await system.components(principal);
      return { status: components.every((part) => part.ok) ? "ok" as const : "degraded" as const, components };
    }),
    onCall(systemStatus, (_, { principal }) => system.status(principal)),
    onCall(systemUsage, async ({ from, to, by }, { principal }) => {
      const end = to ?? new Date().toISOString();
      const start = from ?? new Date(Date.parse(end) - MONTH).toISOString();
      return { from: start, to: end, data: await system.usage(principal, { from: start, to: end, by }) };
    }),
    onCall(configGet, () => Promise.resolve(configuration.masked())),
    onCall(configReload, () => configuration.reload()),
    onCall(ticketCreate, ({ path }, { principal }) => Promise.resolve(tickets.create(principal, { path }))),
  ];
}
