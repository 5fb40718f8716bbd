/**
 * What the scripted provider says to each story, and what it finds wrong with
 * what it is asked.
 *
 * @module
 */
import { type Provider, type ProviderRequest, startProvider, type Step } from "./provider.ts";

/** The agent of the stories, as a file of agents. */
export const AGENTS = `agents:
  helper:
    system_prompt: You help.
    allowed_tools: [look, book, send, poison, missing]
    policies:
      ask: [send]
`;

/** Which tools the model wants for a story, by the first word of the message. */
const WANTED: Record<string, string[]> = {
  tools: ["look", "book"],
  refused: ["missing", "book"],
  approve: ["send"],
  deny: ["send"],
  mixed: ["send", "look", "book"],
  cancel_waiting: ["send"],
  poison: ["poison"],
};
/** Stories whose model takes its time: tokens, and the milliseconds between them. */
const SLOW: Record<string, [number, number]> = {
  cancelled: [24, 25],
  interrupted: [24, 25],
  queued: [6, 20],
  endless: [100_000, 20],
};

interface Asked {
  role: string;
  content: string | null;
  tool_calls?: { id: string }[];
  tool_call_id?: string;
}

/** What is wrong with a list of messages, as providers see it: requests without answers, and answers without requests. */
export function checkMessages(messages: readonly Asked[]): string[] {
  const problems: string[] = [];
  let open: string[] = [];
  for (const { role, tool_calls, tool_call_id } of messages) {
    if (role === "tool") {
      if (!open.includes(tool_call_id!)) problems.push(`an answer without a request: ${tool_call_id}`);
      open = open.filter((id) => id !== tool_call_id);
      continue;
    }
    if (open.length > 0) problems.push(`requests without an answer: ${open}`);
    open = (tool_calls ?? []).map(({ id }) => id);
  }
  if (open.length > 0) problems.push(`requests without an answer: ${open}`);
  const last = messages.at(-1)?.role;
  if (last !== "user" && last !== "tool") problems.push(`the last message is of role ${last}`);
  // Each message of a user is a word and a number that rises in its conversation.
  const numbers = messages.filter(({ role }) => role === "user").map(({ content }) =>
    Number(content!.split(" ").at(-1))
  );
  if (numbers.some((number, i) => i > 0 && number <= numbers[i - 1]!)) problems.push(`out of order: ${numbers}`);
  return problems;
}

/** A provider for all stories, with the faults it found in what it was asked. */
export async function startScript(): Promise<Provider & { problems: string[] }> {
  const problems: string[] = [];
  const script = ({ body }: ProviderRequest): Step => {
    const messages = body.messages as Asked[];
    const at = messages.findLastIndex(({ role }) => role === "user");
    const content = messages[at]!.content!;
    problems.push(...checkMessages(messages).map((problem) => `${content}: ${problem}`));
    const [story = "", number = ""] = content.split(" ");
    const wanted = WANTED[story];
    if (wanted && !messages.slice(at).some(({ role }) => role === "tool")) {
      const args = { story, key: number };
      return { tokens: ["Let me ", "see. "], tool_calls: wanted.map((name) => ({ name, arguments: args })) };
    }
    const [tokens, delay] = SLOW[story] ?? [3, 5];
    return { tokens, delay };
  };
  return Object.assign(await startProvider({ script }), { problems });
}
