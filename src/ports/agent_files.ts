/**
 * Agents as people write them down.
 *
 * @module
 */

/** An agent of a file, not yet checked against its schema. */
export interface AgentEntry {
  id: string;
  config: unknown;
}

/** Reads agent files. */
export interface AgentFiles {
  /** The agents in `text`. Throws `ValidationError` with the place and what is wanted. */
  parse(text: string, format: "yaml" | "json"): Promise<AgentEntry[]>;
}
