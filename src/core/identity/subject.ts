/**
 * Whom a limit counts against.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";

/**
 * The network an address stands for: itself for IPv4, its first 64 bits for
 * IPv6, as anybody who has one such address has all of them. Takes addresses in
 * their canonical form and returns anything else as it is.
 */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const right = tail === "" ? [] : tail.split(":");
    while (left.length + right.length < 8) left.push("0");
    left.push(...right);
  }
  return `${left.slice(0, 4).join(":")}::/64`;
}

/**
 * Who shares a limit: callers without a key by their network, users of signed
 * tokens and bound keys each for themselves, applications by their key.
 */
export function subjectOf({ access, key_id, user_id, may_assert_user }: Principal, address: string): string {
  if (access === "public") return `address ${networkOf(address)}`;
  return user_id === undefined || may_assert_user ? key_id : `${key_id} ${user_id}`;
}
