/**
 * What was given on the command line, once it is understood.
 *
 * @module
 */

/** A command line that makes no sense. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** The command whose help explains what was wanted, where it is known. */
  command?: string;
}

/** Settings that were given as flags. */
export interface GivenSettings {
  /** The file of settings. */
  config: string | undefined;
  set: { path: string; value: string; flag: string }[];
}

/** The values of one command line. */
export class Given {
  /** What stands behind the command's words. */
  readonly positionals: readonly string[];
  readonly settings: GivenSettings;
  #options: ReadonlyMap<string, readonly string[]>;
  #flags: ReadonlyMap<string, boolean>;

  constructor(
    { positionals, settings, options, flags }: {
      positionals: readonly string[];
      settings: GivenSettings;
      options: ReadonlyMap<string, readonly string[]>;
      flags: ReadonlyMap<string, boolean>;
    },
  ) {
    this.positionals = positionals;
    this.settings = settings;
    this.#options = options;
    this.#flags = flags;
  }

  /** The value of an option; of several, the last. */
  text(name: string): string | undefined {
    return this.#options.get(name)?.at(-1);
  }

  /** Every value of an option. */
  list(name: string): readonly string[] {
    return this.#options.get(name) ?? [];
  }

  /** Whether a flag is on (`--name`) or off (`--no-name`); undefined when neither was said. */
  flag(name: string): boolean | undefined {
    return this.#flags.get(name);
  }
}
