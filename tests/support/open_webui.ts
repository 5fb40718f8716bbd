/**
 * The real Open WebUI, started as the example does, and its first person in a real browser.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- the programs that use it are read by a person
import { chromium, type Page } from "playwright-core";
import { USER_KEY } from "./server.ts";

const ADA = { email: "ada@example.org", password: "correct-horse-1" };
const { OPEN_WEBUI = "open-webui", CHROMIUM = "/usr/bin/chromium", PICTURES } = Deno.env.toObject();

/** The secret with which it signs who asks. */
export const SECRET = "a secret of Open WebUI and the server";

/** Options of {@linkcode openWebUi}. */
export interface OpenWebUiOptions {
  /** The address of MUXI. */
  muxi: string;
  /** The address of another provider of models. */
  provider?: string;
  /** Further variables of Open WebUI. */
  env?: Record<string, string>;
}

/** See the module. */
export interface OpenWebUi extends AsyncDisposable {
  page: Page;
  /** Waits until `text` is on the page, says so, and takes a picture where pictures are wanted. */
  saw(what: string, text: string | RegExp): Promise<void>;
  /** Types `text` into the chat and sends it. */
  say(text: string): Promise<void>;
}

/** Starts both, and signs the person in. */
export async function openWebUi(options: OpenWebUiOptions): Promise<OpenWebUi> {
  await using stack = new AsyncDisposableStack();
  const { url } = stack.use(await startOpenWebUi(options));
  const browser = stack.use(await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] }));
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
  await page.goto(`${url}/auth`);
  await page.fill("input[type=email]", ADA.email);
  await page.fill("input[type=password]", ADA.password);
  await page.click("button[type=submit]");
  await page.getByText("Okay, Let's Go!").click();
  const owned = stack.move();
  return {
    page,
    async saw(what, text) {
      try {
        await page.getByText(text).first().waitFor();
      } finally {
        if (PICTURES) await page.screenshot({ path: `${PICTURES}/${what.replaceAll(/\W+/g, "_")}.png` });
      }
      console.log("saw", what);
    },
    async say(text) {
      await page.locator("#chat-input").click();
      await page.keyboard.type(text);
      await page.keyboard.press("Enter");
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Starts Open WebUI with an admin, and waits until it answers. */
async function startOpenWebUi({ muxi, provider, env }: OpenWebUiOptions): Promise<{ url: string } & AsyncDisposable> {
  const folder = await Deno.makeTempDir({ prefix: "open-webui-" });
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const program = `${folder}/open-webui`;
  // The example names one provider. Open WebUI takes several, with semicolons between them.
  const more = provider === undefined ? "" : `OPENAI_API_BASE_URLS="$OPENAI_API_BASE_URLS;${provider}" ` +
    `OPENAI_API_KEYS="$OPENAI_API_KEYS;sk-scripted" `;
  await Deno.writeTextFile(program, `#!/bin/sh\n${more}exec "${OPEN_WEBUI}" "$@"\n`, { mode: 0o755 });
  const child = new Deno.Command("bash", {
    args: ["examples/open_webui.sh"],
    cwd: new URL("../../", import.meta.url),
    env: {
      OPEN_WEBUI: program,
      MUXI_URL: muxi,
      MUXI_USER_API_KEY: USER_KEY,
      MUXI_AUTH_OPEN_WEBUI_SECRET: SECRET,
      DATA_DIR: `${folder}/data`,
      PORT: String(port),
      WEBUI_SECRET_KEY: crypto.randomUUID(),
      WEBUI_ADMIN_EMAIL: ADA.email,
      WEBUI_ADMIN_PASSWORD: ADA.password,
      ...env,
    },
    stdout: "null",
    stderr: "null",
  }).spawn();
  const url = `http://127.0.0.1:${port}`;
  let ended = false;
  child.status.then(() => ended = true);
  while (!await isUp(`${url}/health`)) {
    if (ended) throw new Error("Open WebUI ended before it answered");
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return {
    url,
    async [Symbol.asyncDispose]() {
      if (!ended) child.kill("SIGTERM");
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function isUp(url: string): Promise<boolean> {
  try {
    await (await fetch(url)).body?.cancel();
    return true;
  } catch {
    return false;
  }
}
