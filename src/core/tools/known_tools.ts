/**
 * The tools of all servers, found by their names.
 *
 * @module
 */
import type { Tool } from "../../domain/tool.ts";
import type { Toolbox } from "../../ports/toolbox.ts";
import { withoutSecrets } from "./result.ts";

/** For how many tenants lists are kept. */
const MAX_TENANTS = 1000;

/** Finds tools. */
export class KnownTools {
  readonly #toolbox: Toolbox;
  #list: readonly Tool[] = [];
  /** What each tenant may know of `#from`. */
  #told = new Map<string, readonly Tool[]>();
  #from: readonly Tool[] = [];
  #byName = new Map<string, Tool>();

  constructor(toolbox: Toolbox) {
    this.#toolbox = toolbox;
  }

  /** Every tool that `tenant_id` may know of, in words that tell nothing of what its server was trusted with. */
  async list(tenant_id: string): Promise<readonly Tool[]> {
    const from = await this.#toolbox.list();
    if (from !== this.#from || this.#told.size > MAX_TENANTS) {
      this.#from = from;
      this.#told.clear();
    }
    let told = this.#told.get(tenant_id);
    if (!told) {
      const secretsOf = (name: string) => this.#toolbox.secretsOf?.(name) ?? [];
      const mine = from.filter(({ name }) => this.#mayKnow(tenant_id, name));
      this.#told.set(tenant_id, told = mine.map((tool) => withoutSecrets(tool, secretsOf(tool.name))));
    }
    return told;
  }

  /** The tool `name`, where `tenant_id` may know of it. */
  async find(tenant_id: string, name: string): Promise<Tool | undefined> {
    const found = this.#toolbox.find?.(name) ?? await this.#search(name);
    return found && this.#mayKnow(tenant_id, name) ? found : undefined;
  }

  #mayKnow(tenant_id: string, name: string): boolean {
    return (this.#toolbox.tenantOf?.(name) ?? tenant_id) === tenant_id;
  }

  async #search(name: string): Promise<Tool | undefined> {
    const list = await this.#toolbox.list();
    if (list !== this.#list) {
      this.#list = list;
      this.#byName = new Map(list.map((tool) => [tool.name, tool]));
    }
    return this.#byName.get(name);
  }
}
