/**
 * Whether the server that commands talk to knows the paths of this machine.
 *
 * @module
 */

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** Whether a host's name, as `URL` gives it, is this machine's own. */
export function isLoopback(hostname: string): boolean {
  return LOOPBACK.test(hostname);
}

/** Whether `url` is of this machine, as is what is done in this process. */
export function isOfThisMachine(url: string | undefined): boolean {
  return url === undefined || isLoopback(new URL(url).hostname);
}
