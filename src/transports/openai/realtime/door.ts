/**
 * What the routes of calls share.
 *
 * @module
 */
import type { Principal } from "../../../domain/access.ts";
import type { Gateway } from "../../../operations/gateway.ts";
import type { Operation, Visit } from "../../../operations/operation.ts";
import { forAssertedUser } from "../../asserted_user.ts";
import { type HttpContext, visitOf } from "../../request.ts";
import type { OpenAiDeps } from "../door.ts";
import type { Client } from "./clients.ts";

/** What calls need of the other doors and of the settings. */
export interface RealtimeDeps extends Pick<OpenAiDeps, "clock" | "log" | "readJson" | "verifyUser"> {
  /** A body as it is, within bounds. */
  readBytes(request: Request): Promise<Uint8Array<ArrayBuffer>>;
  /** How long a reader of a WebSocket may read nothing, in milliseconds. */
  write_timeout_ms: number;
  /** The longest message of a WebSocket, in characters. */
  max_message: number;
}

/** A call that this door speaks for. */
export interface JoinedCall extends Disposable {
  /** Joins another client, of whoever it is. */
  join(client: Client, principal: Principal): Disposable;
  /** Takes what a client says. */
  take(frame: string, client: Client): void;
}

/** The calls that this door speaks for, by their ids. */
export type Links = Map<string, JoinedCall>;

/** Who asks, for the user that the headers name. */
export async function visitFor(
  c: HttpContext,
  { gateway, op, deps }: { gateway: Gateway; op: Operation; deps: Pick<RealtimeDeps, "verifyUser"> },
): Promise<Visit> {
  return await forAssertedUser(await visitOf(c, gateway, op, c.req.raw.signal), c.req.raw.headers, deps);
}
