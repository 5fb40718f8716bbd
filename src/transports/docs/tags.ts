/**
 * Operations in groups, by the thing they are about.
 *
 * @module
 */
import type { Operation } from "../../operations/operation.ts";

/** What the groups are about. A group that explains itself needs no line here. */
export const TAG_TEXT: Readonly<Record<string, string>> = {
  chat: "Say something and get the answer, as JSON or as events. The server chooses who answers.",
  agents: "Who answers: with which model, which instructions and which tools.",
  model: "A model by itself, with nothing of the agent's around it.",
  conversations:
    "Messages in order. A conversation belongs to the key that began it, and to the user it was begun for.",
  messages: "What was said. Storing a message starts nothing; a run answers it.",
  runs: "One answer in the making, from the message to the last event. A run belongs to the server: it goes on when " +
    "the connection breaks, and its events can be followed from any place.",
  tool_calls: "Calls of tools that wait for a person.",
  approvals: "What waits for a person's decision.",
  rtc: "Calls: voice, camera and screen over WebRTC. A call's words are in its conversation. " +
    "`GET /api/v1/rtc/sessions/{session_id}/attach` joins one over a WebSocket, a JSON text a message.",
  tools: "What tool servers can do. Calling a tool directly takes a key with the scope `tools`.",
  resources: "What tool servers let others read. It takes a key with the scope `tools`.",
  prompts: "Texts of tool servers that people begin with. It takes a key with the scope `tools`.",
  catalog: "Tools, resources and prompts that come and go.",
  policies: "Which tools may be called, how often and with what, and what their programs may touch.",
  files: "Attachments of messages.",
  users: "Whom applications act for, and what agents should know of them.",
  tickets: "For browsers, whose `EventSource` can't send a header.",
};

/**
 * The group of an operation: the part of its path that is named after the first
 * word of its id (`agent_list` is at `/agents`), or else that word.
 */
export function tagOf({ id, http }: Pick<Operation, "id" | "http">): string {
  const word = id.slice(0, id.indexOf("_"));
  return http.split("/").find((part) => part === word || part.startsWith(`${word}s`) || part.startsWith(`${word}_`)) ??
    http.split("/").find((part) => part === word.replace(/y$/, "ies")) ?? word;
}
