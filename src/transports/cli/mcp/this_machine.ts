/**
 * Whether the server that commands talk to knows the paths of this machine.
 *
 * @module
 */

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** Whether `url` is of this machine, as is what is done in this process. */
export function isOfThisMachine(url: string | undefined): boolean {
  return url === undefined || LOOPBACK.test(new URL(url).hostname);
}
