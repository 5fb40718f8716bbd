/**
 * Which method asks the catalog for what.
 *
 * @module
 */
import type { CompleteRequest } from "@modelcontextprotocol/server";
import type { Ask, Catalog } from "./catalog.ts";

/** The parameters of all methods. They were checked by the SDK, or are checked by {@linkcode Catalog}. */
interface Params {
  cursor?: string;
  name: string;
  uri: string;
  arguments?: Record<string, unknown>;
}

/** Answers a method. */
export type Answer = (catalog: Catalog, params: Params & Record<string, unknown>, ask: Ask) => Promise<object>;

/** By name. What concerns a connection and not the catalog is missing. */
export const METHODS = {
  "tools/list": (catalog, { cursor }, ask) => catalog.listTools(cursor, ask),
  "tools/call": (catalog, { name, arguments: args = {} }, ask) => catalog.callTool(name, args, ask),
  "resources/list": (catalog, { cursor }, ask) => catalog.listResources(cursor, ask),
  "resources/templates/list": (catalog, { cursor }, ask) => catalog.listResourceTemplates(cursor, ask),
  "resources/read": (catalog, { uri }, ask) => catalog.readResource(uri, ask),
  "prompts/list": (catalog, { cursor }, ask) => catalog.listPrompts(cursor, ask),
  "prompts/get": (catalog, { name, arguments: args = {} }, ask) => {
    return catalog.getPrompt(name, args as Record<string, string>, ask);
  },
  "completion/complete": (catalog, params, ask) => {
    return catalog.complete(params as unknown as CompleteRequest["params"], ask);
  },
} satisfies Record<string, Answer>;

/** A method of {@linkcode METHODS}. */
export type MethodName = keyof typeof METHODS;
