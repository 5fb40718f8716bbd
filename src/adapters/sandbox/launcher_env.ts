/**
 * Variables that would act on our own programs on the way to the one they are meant for.
 *
 * @module
 */

/** What the dynamic loader, the C library, the shell and Deno read of their environment. */
const ACTS_ON_US =
  /^(LD_|BASH_|ENV$|DENO_|NODE_|V8_|RUST_|MALLOC_|GLIBC_TUNABLES$|GCONV_PATH$|GETCONF_DIR$|HOSTALIASES$|LOCALDOMAIN$|LOCPATH$|NLSPATH$|RESOLV_HOST_CONF$|RES_OPTIONS$|TZDIR$)/;

/**
 * Divides an environment into what may be handed on openly, and what the shell,
 * bubblewrap and the launcher must not find in theirs: a library to preload would be loaded
 * outside of the box, and the launcher would ask the program's permission broker.
 */
export function setApart(
  env: Readonly<Record<string, string>>,
): { open: Record<string, string>; apart: Record<string, string> } {
  const open: Record<string, string> = {};
  const apart: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) (ACTS_ON_US.test(name) ? apart : open)[name] = value;
  return { open, apart };
}
