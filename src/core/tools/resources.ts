/**
 * The resources of all servers.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import type { Proposals, Typed } from "../../domain/proposals.ts";
import { AppError } from "../../domain/error.ts";
import { type Page, type PageRequest, toPage } from "../../domain/page.ts";
import type { Resource, ResourceContents } from "../../domain/resource.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Upstream } from "../mcp_servers/upstream.ts";
import { withoutSecrets } from "./result.ts";
import type { ServerReads } from "./server_reads.ts";

/** Which resource: where its server isn't named, that of the only one that lists it. */
export interface ResourceTarget {
  uri: string;
  server?: string | undefined;
}

const READING = "resources/read";

/** Lists, reads and watches resources. */
export class Resources {
  readonly #reads: ServerReads;
  readonly #clock: Clock;

  constructor({ reads, clock }: { reads: ServerReads; clock: Clock }) {
    this.#reads = reads;
    this.#clock = clock;
  }

  /** A page of them, by server, and in the order of its own. */
  async list(
    principal: Principal,
    { limit, cursor, order }: PageRequest,
    { server, template }: { server?: string | undefined; template?: boolean | undefined } = {},
  ): Promise<Page<Resource>> {
    const servers = await this.#reads.serversFor(principal, READING);
    const all = servers.filter(({ definition: { name } }) => server === undefined || name === server).flatMap(
      ({ definition: { name }, offers, secrets }) => offers.resources.map((one, at) => ({ name, at, one, secrets })),
    );
    const sorted = order === "asc" ? all : all.reverse();
    const [from, index] = cursor?.split(":") ?? [];
    const after = ({ name, at }: { name: string; at: number }) => {
      if (from === undefined) return true;
      const sign = name === from ? at - Number(index) : name > from ? 1 : -1;
      return order === "asc" ? sign > 0 : sign < 0;
    };
    const rows = sorted.filter((row) => after(row) && (template === undefined || row.one.template === template));
    const page = toPage(rows, limit, ({ name, at }) => `${name}:${at}`);
    return {
      ...page,
      data: page.data.map(({ name, one, secrets }) => ({ server: name, ...withoutSecrets(one, secrets) })),
    };
  }

  /** Reads one. */
  async read(principal: Principal, target: ResourceTarget, signal: AbortSignal): Promise<ResourceContents> {
    const { uri } = target;
    const server = await this.#serverOf(principal, target);
    const { content: contents } = await this.#reads.read(principal, {
      server,
      reading: READING,
      arguments: { uri },
      signal,
      work: async (upstream, options) => ({ content: await upstream.read(uri, options), is_error: false }),
    });
    return { server, uri, contents };
  }

  /** Values for what stands in braces in a template. */
  async complete(
    principal: Principal,
    target: ResourceTarget,
    { signal, ...typed }: Typed & { signal: AbortSignal },
  ): Promise<Proposals> {
    const { uri } = target;
    return await this.#reads.complete(principal, {
      server: await this.#serverOf(principal, target, { template: true }),
      reading: READING,
      arguments: { uri },
      signal,
      typed: { of: { uri }, ...typed },
    });
  }

  /** Waits until a resource may be another, again and again until `signal` aborts. Rejects where nobody would tell. */
  async watch(
    principal: Principal,
    target: ResourceTarget,
    signal: AbortSignal,
  ): Promise<AsyncIterable<{ server: string; uri: string }>> {
    const server = await this.#serverOf(principal, target);
    const upstream = this.#reads.serverFor(principal, server, READING);
    const { uri } = target;
    let wake = Promise.withResolvers<void>();
    const watching = await upstream.watch(uri, { signal, listener: () => wake.resolve() });
    const end = () => {
      watching[Symbol.dispose]();
      wake.resolve();
    };
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    return changes();

    async function* changes() {
      try {
        for (;;) {
          await wake.promise;
          wake = Promise.withResolvers<void>();
          if (signal.aborted) return;
          yield { server, uri };
        }
      } finally {
        signal.removeEventListener("abort", end);
        end();
      }
    }
  }

  /** The next change; undefined where `ms` pass without one. */
  async next(principal: Principal, target: ResourceTarget, { ms, signal }: { ms: number; signal: AbortSignal }) {
    const enough = new AbortController();
    using _ = this.#clock.after(ms, () => enough.abort());
    for await (const change of await this.watch(principal, target, AbortSignal.any([signal, enough.signal]))) {
      return change;
    }
  }

  async #serverOf(
    principal: Principal,
    { uri, server }: ResourceTarget,
    { template = false }: { template?: boolean } = {},
  ): Promise<string> {
    if (server !== undefined) return server;
    // Where a policy denies it, that is what is to be said.
    const servers = await this.#reads.serversOf(principal);
    const offers = ({ offers }: Upstream) =>
      offers.resources.some((one) => one.uri === uri && one.template === template);
    const [first, ...others] = servers.filter(offers).map(({ definition: { name } }) => name);
    if (first === undefined) {
      throw new AppError(
        "NotFoundError",
        `Cannot find resource "${uri}": no tool server lists it, so name its "server"`,
      );
    }
    if (others.length === 0) return first;
    const message = `Cannot tell whose resource "${uri}" is meant: want "server" to be one of ${
      [first, ...others].join(", ")
    }`;
    throw new AppError("ConflictError", message, { details: { servers: [first, ...others] } });
  }
}
