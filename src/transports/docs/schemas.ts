/**
 * The schemas of a document: those of operations, and those with a name that they share.
 *
 * @module
 */
import { z } from "zod";
import type { Call, Stream } from "../../operations/operation.ts";
import type { Schema } from "./document.ts";

type Flow = "input" | "output";
type Definitions = Map<string, Schema>;
type Made = Schema & { $defs?: Record<string, Schema> };

/**
 * Turns types into JSON Schema. A named type that is answered in another form
 * than it is sent (what has a default is always there) has a name for each.
 */
export class Schemas {
  /** The schemas with a name, as far as they were needed. */
  readonly named: Record<string, Schema> = {};
  /** Names whose form depends on the flow. */
  readonly #twofold = new Set<string>();
  /** What was made: operations share many types. */
  readonly #made = { input: new Map<z.ZodType, Made>(), output: new Map<z.ZodType, Made>() };

  constructor(operations: Iterable<Call | Stream>) {
    const sent: Definitions = new Map();
    const answered: Definitions = new Map();
    for (const op of operations) {
      this.#collect(op.input, "input", sent);
      this.#collect(op.output, "output", answered);
      if (op.kind === "stream") { for (const item of Object.values(op.items)) this.#collect(item, "output", answered); }
    }
    for (const [name, schema] of answered) {
      const other = sent.get(name);
      if (other && JSON.stringify(other) !== JSON.stringify(schema)) this.#twofold.add(name);
    }
    // What refers to something twofold is so, too.
    for (let before = -1; before < this.#twofold.size;) {
      before = this.#twofold.size;
      for (const [name, schema] of answered) {
        if (sent.has(name) && refsOf(schema).some((ref) => this.#twofold.has(ref))) this.#twofold.add(name);
      }
    }
  }

  /** The schema of `type`, its references leading to where OpenAPI keeps schemas. */
  of(type: z.ZodType, flow: Flow): Schema {
    const { $defs = {}, ...schema } = this.#make(type, flow);
    for (const [name, definition] of Object.entries($defs)) {
      this.named[this.#nameOf(name, flow)] = this.#leading(definition, flow);
    }
    return this.#leading(schema, flow);
  }

  #make(type: z.ZodType, flow: Flow): Made {
    const known = this.#made[flow].get(type);
    if (known) return known;
    const { $schema: _, ...schema } = z.toJSONSchema(type, { io: flow, unrepresentable: "any" });
    this.#made[flow].set(type, schema as Made);
    return schema as Made;
  }

  #collect(type: z.ZodType, flow: Flow, into: Definitions): void {
    for (const [name, schema] of Object.entries(this.#make(type, flow).$defs ?? {})) into.set(name, schema);
  }

  #nameOf(name: string, flow: Flow): string {
    return flow === "output" && this.#twofold.has(name) ? `${name}Output` : name;
  }

  #leading(schema: Schema, flow: Flow): Schema {
    const text = JSON.stringify(schema).replaceAll(/"#\/\$defs\/(\w+)"/g, (_, name: string) => {
      return `"#/components/schemas/${this.#nameOf(name, flow)}"`;
    });
    return JSON.parse(text);
  }
}

function refsOf(schema: Schema): string[] {
  return [...JSON.stringify(schema).matchAll(/"#\/\$defs\/(\w+)"/g)].map(([, name]) => name!);
}
