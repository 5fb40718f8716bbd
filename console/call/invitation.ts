/**
 * Links that let people without a key into a room.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="dom" />

/** How long an invitation lets people in. */
export const INVITED_SECONDS = 7200;

/** The link. The secret is behind the `#`, where no server sees it. */
export function invitationTo({ base, room_id, secret }: { base: string; room_id: string; secret: string }): string {
  const address = new URL(`${base}/call?room=${room_id}`, location.href);
  address.hash = `secret=${secret}`;
  return address.href;
}
