/**
 * Values for arguments of prompts and of templates, ours and those of the servers behind this one.
 *
 * @module
 */
import {
  type CompleteRequest,
  type CompleteResult,
  ProtocolError,
  ProtocolErrorCode,
} from "@modelcontextprotocol/server";
import { proposalsOf } from "../../../domain/proposals.ts";
import { fromResourceAddress } from "../../../domain/resource.ts";
import type { Gateway } from "../../../operations/gateway.ts";
import type { Visit } from "../../../operations/operation.ts";
import { orNone } from "./or_none.ts";
import { findPrompt } from "./prompts.ts";
import type { Resources } from "./resources.ts";
import { toCompleteResult, type UpstreamOffers } from "./upstream_offers.ts";

type Params = CompleteRequest["params"];

/** What {@linkcode Completions} needs. */
export interface CompletionsDeps {
  gateway: Gateway;
  resources: Resources;
  offers: UpstreamOffers;
}

/** See the module. */
export class Completions {
  #deps: CompletionsDeps;

  constructor(deps: CompletionsDeps) {
    this.#deps = deps;
  }

  /** Proposes values. Throws `ProtocolError` for what nobody offers. */
  async complete(params: Params, visit: Visit): Promise<CompleteResult> {
    const { ref, argument } = params;
    const completed = await this.#ours(params, visit) ?? await this.#deps.offers.complete(params, visit).catch(orNone);
    if (completed) return completed;
    const what = ref.type === "ref/prompt" ? `the prompt "${ref.name.slice(0, 200)}"` : `"${ref.uri.slice(0, 200)}"`;
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      `Cannot complete "${argument.name.slice(0, 200)}" of ${what}: there is no such thing`,
    );
  }

  async #ours({ ref, argument: { name, value } }: Params, visit: Visit): Promise<CompleteResult | undefined> {
    const { gateway, resources } = this.#deps;
    if (ref.type === "ref/resource") {
      return fromResourceAddress(ref.uri) ? undefined : await resources.complete(name, value, visit);
    }
    const prompt = await findPrompt(gateway, ref.name, visit);
    const argument = prompt?.arguments.find((one) => one.name === name);
    if (argument?.values) return toCompleteResult(proposalsOf(argument.values, value));
    // What is called like an id of ours is one.
    return argument && await resources.complete(name, value, visit);
  }
}
