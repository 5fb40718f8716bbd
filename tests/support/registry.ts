/**
 * How this machine reaches registries, for programs whose environment is otherwise empty.
 *
 * @module
 */

const NAMES = /^(npm_config_.*|https?_proxy|no_proxy|node_extra_ca_certs|deno_(cert|tls_ca_store))$/i;

/** The variables without which some machines reach no registry. */
export function registryEnv(): Record<string, string> {
  return Object.fromEntries(Object.entries(Deno.env.toObject()).filter(([name]) => NAMES.test(name)));
}
