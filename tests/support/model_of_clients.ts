/**
 * A scripted model for what clients of OpenAI ask of it: it calls the tool it is offered, tells the result, fills the
 * form it is given, is slow where it is asked for something long.
 *
 * @module
 */
import type { ProviderRequest, Step } from "./provider.ts";

const GREETING = ["Hello", ", I am ", "scripted", "."];

/** What the model says to a request. */
export function toClientStep({ body }: ProviderRequest): Step {
  const last = body.messages.at(-1);
  const said = body.messages.map(({ content }: { content: unknown }) => JSON.stringify(content) ?? "").join("\n");
  const question = typeof last.content === "string" ? last.content : JSON.stringify(last.content);
  if (last.role === "tool") return { tokens: ["The tool ", "says: ", question] };
  if (body.tools?.length > 0 && /get_weather/.test(question)) {
    return { tool_calls: [{ name: body.tools[0].function.name, arguments: { city: "Paris" } }] };
  }
  if (body.response_format?.type === "json_schema") return { tokens: ['{"name":', '"Ada",', '"age":36}'] };
  if (/very long story/.test(question)) return { tokens: 2000, delay: 10 };
  if (/long story/.test(question)) return { tokens: 40, delay: 10 };
  if (/What is my name/.test(question)) return { tokens: ["You are ", /Ada/.test(said) ? "Ada." : "a stranger."] };
  return { tokens: GREETING, reasoning: ["They ", "greet me."], delay: 1 };
}
