/**
 * Everything this server can do.
 *
 * @module
 */
import { agentOperations } from "./agents.ts";
import { approvalOperations } from "./approvals.ts";
import { chatOperations } from "./chat.ts";
import { conversationOperations } from "./conversations.ts";
import { fileOperations } from "./files.ts";
import { mcpServerOperations } from "./mcp_servers.ts";
import { mcpByHand, mcpOperations } from "./mcp.ts";
import type { ByHand, Operation } from "./operation.ts";
import { policyOperations } from "./policies.ts";
import { promptOperations } from "./prompts.ts";
import { resourceOperations } from "./resources.ts";
import { respondOperations } from "./respond.ts";
import { rtcDoorOperations } from "./rtc_doors.ts";
import { rtcLookOperations } from "./rtc_looks.ts";
import { rtcRecordingOperations } from "./rtc_recordings.ts";
import { rtcRoomOperations } from "./rtc_rooms.ts";
import { rtcSecretOperations } from "./rtc_secrets.ts";
import { rtcSessionOperations } from "./rtc_sessions.ts";
import { rtcSignalOperations } from "./rtc_signals.ts";
import { rtcViewerOperations } from "./rtc_viewers.ts";
import { runOperations } from "./runs.ts";
import { systemOperations } from "./system.ts";
import { toolOperations } from "./tools.ts";
import { userOperations } from "./users.ts";

/** The registry, by id, in the order of the documentation. */
export const operations: ReadonlyMap<string, Operation> = new Map(
  [
    ...chatOperations,
    ...respondOperations,
    ...conversationOperations,
    ...runOperations,
    ...approvalOperations,
    ...rtcSessionOperations,
    ...rtcSignalOperations,
    ...rtcDoorOperations,
    ...rtcViewerOperations,
    ...rtcRoomOperations,
    ...rtcSecretOperations,
    ...rtcLookOperations,
    ...rtcRecordingOperations,
    ...agentOperations,
    ...mcpServerOperations,
    ...toolOperations,
    ...resourceOperations,
    ...promptOperations,
    ...policyOperations,
    ...mcpOperations,
    ...fileOperations,
    ...userOperations,
    ...systemOperations,
  ].map((op) => [op.id, op as Operation]),
);

/** What protocols shape by hand, beside the operations. */
export const byHand: readonly ByHand[] = mcpByHand;
