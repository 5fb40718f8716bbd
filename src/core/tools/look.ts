/**
 * Looking: a tool of agents that answer somebody in a call. What it sees is handed to the model beside its answer.
 *
 * @module
 */
import type { AgentConfig, ModelChoice } from "../../domain/agent.ts";
import type { LookSource } from "../../domain/rtc_event.ts";
import type { FileRow } from "../../domain/table.ts";
import type { Tool, ToolResult } from "../../domain/tool.ts";

/** The tool's name. */
export const LOOK = "look";

/** The format of what is seen. */
export const SIGHT_TYPE = "image/webp";

/** A picture. */
export interface Sight {
  source: LookSource;
  width: number;
  height: number;
  /** When it was made. */
  at: string;
  /** As {@linkcode SIGHT_TYPE} says. */
  image: Uint8Array<ArrayBuffer>;
  /** Where it is kept; null: nowhere. */
  file: FileRow | null;
}

/** What is to be looked at. */
export interface LookRequest {
  run_id: string;
  tool_call_id: string;
  /** Absent: what the caller shares. */
  source?: LookSource;
  /** Told to the person. */
  reason: string;
}

/** What an agent sees with while it answers somebody in a call. */
export interface Eyes {
  /** Looks. Rejects with an `AppError` that tells why it can't. */
  look(request: LookRequest, options: { signal: AbortSignal }): Promise<Sight>;
  /** Whether a model can read what is seen. */
  reads(model: ModelChoice): Promise<boolean>;
  /** What a call of the tool saw, for as long as the run goes on in this process. */
  sight(tool_call_id: string): Sight | undefined;
}

/** What a model is offered. */
export const LOOK_TOOL: Tool = {
  name: LOOK,
  description: "Looks at what the caller's camera or screen shows now, and gives you the picture. The person may be " +
    "asked for consent on their own page, and can say no. Look again whenever what you see may have changed",
  parameters: {
    type: "object",
    properties: {
      source: {
        type: "string",
        enum: ["camera", "screen"],
        description: "Absent: what the caller shares, the screen first",
      },
      reason: { type: "string", minLength: 1, maxLength: 300, description: "Why, in words for the person" },
    },
    required: ["reason"],
    additionalProperties: false,
  },
  read_only: true,
  destructive: false,
  // Who does it twice sees twice.
  idempotent: true,
  open_world: false,
  server: null,
};

/** Whether `agent` may have the tool at all. */
export function mayLook({ look, model }: AgentConfig): boolean {
  return look === true && model.images !== false;
}

/** Looks, and says of it what goes into the log: all but the picture. */
export async function answerLook(
  eyes: Eyes,
  request: LookRequest,
  { signal }: { signal: AbortSignal },
): Promise<ToolResult> {
  const { source, width, height, at, file } = await eyes.look(request, { signal });
  const picture = file ? "attached" : "attached for this answer, not kept";
  return { content: [], structured_content: { source, width, height, at, picture }, is_error: false };
}

/** What a model reads of a look whose picture is gone. */
export function withoutSight(content: string): string {
  const gone = "gone, as it was not kept: look again if you need it";
  return content.replace('"picture":"attached for this answer, not kept"', `"picture":"${gone}"`);
}
