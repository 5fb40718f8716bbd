/**
 * A person with a browser who is sent to a tool server to sign in.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { TestServer } from "./server.ts";

/** What a browser says of a form that was sent to where it came from. */
export const SAME_ORIGIN = { "sec-fetch-site": "same-origin" };

/** `address`, which names a port that tests don't know, as a path of the server. */
export function toPath(address: unknown): string {
  const { pathname, search } = new URL(String(address));
  return `^${pathname}${search}`;
}

/** Goes on from MUXI's page: where that leads, and the cookie that the browser keeps meanwhile. */
export async function goTo(server: TestServer, sign_in_url: unknown): Promise<{ url: string; cookie: string }> {
  // MUXI may stand below some path of its public address.
  const path = toPath(sign_in_url).replace(/^\^.*(?=\/api\/v1\/)/, "^");
  const response = await server.request("POST", path, { key: null, headers: SAME_ORIGIN, redirect: "manual" });
  assert.equal(response.status, 303, await response.text());
  const [cookie = ""] = response.headers.get("set-cookie")!.split(";");
  return { url: response.headers.get("location")!, cookie };
}
