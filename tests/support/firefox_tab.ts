/**
 * A tab of a real Firefox that is used as by a person, with mouse and keys.
 *
 * @module
 */
import type { Page } from "playwright-core";
import { Bidi } from "./bidi.ts";
import { startDrivenFirefox } from "./firefox.ts";
import type { Json } from "./story.ts";
import { until } from "./story.ts";

/** The key's value in WebDriver. */
export const ENTER = "\uE007";

/** What is looked for: CSS, or how it is called to who can't see it. */
export type Wanted = string | { role: string; name: string };

/** Options for {@linkcode openFirefoxTab}. */
export interface FirefoxTabOptions {
  /** Hosts that give pages devices without HTTPS. */
  trusted?: readonly string[];
}

const isUsable = `(one) => one.checkVisibility() && !one.disabled && (one.scrollIntoView({ block: "nearest" }), true)`;

/** See the module. */
export class FirefoxTab {
  /** What the console and the page's scripts complained of. */
  readonly complaints: readonly string[];
  readonly #bidi: Bidi;
  readonly #context: string;

  constructor({ bidi, context, complaints }: { bidi: Bidi; context: string; complaints: readonly string[] }) {
    this.#bidi = bidi;
    this.#context = context;
    this.complaints = complaints;
  }

  /** Lets every page do `script`, the body of a function, before anything of its own. */
  async prepare(script: string): Promise<void> {
    const functionDeclaration = `() => {${script}}`;
    await this.#bidi.send("script.addPreloadScript", { functionDeclaration, contexts: [this.#context] });
  }

  /** Opens an address. */
  async goto(url: string): Promise<void> {
    await this.#bidi.send("browsingContext.navigate", { context: this.#context, url, wait: "complete" });
  }

  /** As a page's of Playwright. */
  readonly evaluate = (async (fn: unknown, argument?: unknown) => {
    const made = typeof fn === "function" ? `(${fn})(${JSON.stringify(argument) ?? ""})` : fn;
    const value = await this.#run(`async () => JSON.stringify(await (${made}))`);
    return value === undefined ? undefined : JSON.parse(value);
  }) as Page["evaluate"];

  /** Resolves when a person sees what is wanted, and can use it; with the browser's name for it. */
  async find(wanted: Wanted): Promise<{ sharedId: string }> {
    const locator = typeof wanted === "string"
      ? { type: "css", value: wanted }
      : { type: "accessibility", value: wanted };
    return await until(() => `${JSON.stringify(wanted)}; complaints: ${this.complaints.slice(-10)}`, async () => {
      const found = await this.#bidi.send("browsingContext.locateNodes", { context: this.#context, locator });
      for (const { sharedId } of found.nodes) if (await this.#run(isUsable, [{ sharedId }])) return { sharedId };
    }, { every_ms: 100 });
  }

  /** Clicks. */
  async click(wanted: Wanted): Promise<void> {
    const element = await this.find(wanted);
    await this.#act({
      type: "pointer",
      id: "mouse",
      actions: [
        { type: "pointerMove", x: 0, y: 0, origin: { type: "element", element } },
        { type: "pointerDown", button: 0 },
        { type: "pointerUp", button: 0 },
      ],
    });
  }

  /** Presses the keys of a text, one after the other. */
  async type(text: string): Promise<void> {
    const actions = [...text].flatMap((value) => [{ type: "keyDown", value }, { type: "keyUp", value }]);
    await this.#act({ type: "key", id: "keys", actions });
  }

  async #act(source: Json): Promise<void> {
    await this.#bidi.send("input.performActions", { context: this.#context, actions: [source] });
  }

  async #run(functionDeclaration: string, given: Json[] = []): Promise<Json> {
    const { type, result, exceptionDetails } = await this.#bidi.send("script.callFunction", {
      functionDeclaration,
      arguments: given,
      awaitPromise: true,
      target: { context: this.#context },
    });
    if (type === "exception") throw new Error(exceptionDetails.text);
    return result.value;
  }
}

/** Opens a tab in the Firefox at `program`. */
export async function openFirefoxTab(
  stack: AsyncDisposableStack,
  program: string,
  { trusted = [] }: FirefoxTabOptions = {},
): Promise<FirefoxTab> {
  const preferences = {
    "dom.securecontext.allowlist": trusted.join(","),
    // There is no screen to be shared, but pages may ask for the tab that they are in.
    "media.getusermedia.browser.enabled": true,
  };
  const { address } = stack.use(await startDrivenFirefox(program, preferences));
  const complaints: string[] = [];
  const onEvent = (method: string, { level, text }: Json) => {
    if (method === "log.entryAdded" && ["warn", "error"].includes(level)) complaints.push(`${level}: ${text}`);
  };
  const bidi = stack.use(await Bidi.connect(address, onEvent));
  await bidi.send("session.subscribe", { events: ["log.entryAdded"] });
  const { contexts: [{ context }] } = await bidi.send("browsingContext.getTree", {});
  return new FirefoxTab({ bidi, context, complaints });
}
