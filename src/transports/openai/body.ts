/**
 * Bodies of this door's requests.
 *
 * @module
 */
import type { Gateway } from "../../operations/gateway.ts";
import type { Operation, Stream, Visit } from "../../operations/operation.ts";
import type { HttpContext } from "../request.ts";
import { visitOf } from "../request.ts";
import { invalid } from "./errors.ts";

/** Reads the JSON of a request, within bounds; undefined when there is none. */
export type ReadJson = (request: Request) => Promise<unknown>;

/** A request whose body was read. */
export interface Asked {
  visit: Visit;
  body: Record<string, unknown>;
}

/** Identifies who asks and reads what they say. Nothing is read for somebody unknown. */
export async function readAsked(
  c: HttpContext,
  { gateway, op, readJson, signal }: { gateway: Gateway; op: Stream; readJson: ReadJson; signal: AbortSignal },
): Promise<Asked> {
  const visit = await visitOf(c, gateway, op as Operation, signal);
  if (visit.principal.access === "public") await gateway.stream(op, () => ({}), visit);
  const body = await readJson(c.req.raw);
  if (body === undefined) throw invalid("Cannot read the request's body: it is empty");
  return { visit, body: body as Record<string, unknown> };
}
