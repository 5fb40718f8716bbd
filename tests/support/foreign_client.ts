/**
 * Clients of others in a page of Chromium, as they come from npm, and a sound that the page plays into what they send.
 *
 * @module
 */
import type { Page } from "playwright-core";
import { BROWSER } from "./calls.ts";
import { startBrowser, type TestBrowser } from "./browser.ts";

/** Bundles a module that imports packages, for a browser. */
export async function bundle(source: string): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "muxi-bundle-" });
  try {
    await Deno.writeTextFile(`${folder}/entry.ts`, source);
    const command = new Deno.Command(Deno.execPath(), {
      args: ["bundle", "--no-config", "--no-lock", "--platform", "browser", "--output", "bundle.js", "entry.ts"],
      cwd: folder,
      stdout: "null",
      stderr: "piped",
    });
    const { success, stderr } = await command.output();
    if (!success) throw new Error(`Cannot bundle: ${new TextDecoder().decode(stderr)}`);
    return await Deno.readTextFile(`${folder}/bundle.js`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A microphone that a script plays, and ears that tell how loud it was. Everything in it runs in the browser. */
const SCRIPT = `
window.desk = (() => {
  let context, destination, sound, analyser, incoming;
  return {
    async open() {
      context = new AudioContext();
      await context.resume();
      destination = context.createMediaStreamDestination();
      const silence = new ConstantSourceNode(context, { offset: 0 });
      silence.connect(destination);
      silence.start();
      const answer = await fetch("/sound.wav");
      sound = answer.ok ? await context.decodeAudioData(await answer.arrayBuffer()) : undefined;
      return destination.stream;
    },
    picture() {
      const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
      const pen = canvas.getContext("2d");
      let n = 0;
      setInterval(() => {
        pen.fillStyle = ["#d33", "#3d3", "#33d"][n++ % 3];
        pen.fillRect(0, 0, 320, 240);
      }, 100);
      return canvas.captureStream(10);
    },
    play() {
      const source = context.createBufferSource();
      source.buffer = sound;
      source.connect(destination);
      source.start();
    },
    hear(stream) {
      incoming = stream;
      const player = new Audio();
      player.srcObject = stream;
      player.muted = true;
      player.play();
      analyser = context.createAnalyser();
      context.createMediaStreamSource(stream).connect(analyser);
    },
    async loud() {
      const samples = new Float32Array(analyser.fftSize);
      for (;;) {
        analyser.getFloatTimeDomainData(samples);
        if (samples.some((sample) => Math.abs(sample) > 0.05)) return true;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
})();
`;

/** What the page's script offers. Streams stay in the page. */
export interface Desk {
  /** The microphone. */
  open(): Promise<unknown>;
  /** A camera. */
  picture(): unknown;
  /** Plays the sound into the microphone. */
  play(): void;
  hear(stream: unknown): void;
  /** Resolves when something was loud. */
  loud(): Promise<boolean>;
}

/** A page with a client. */
export interface ForeignClient {
  page: Page;
  /** Such as `http://127.0.0.1:40123`. */
  origin: string;
}

/** Serves a page with `script`, and opens it. */
export async function openClient(
  stack: AsyncDisposableStack,
  { script, sound }: { script: string; sound?: Uint8Array<ArrayBuffer> },
): Promise<ForeignClient> {
  const text = (body: string, type: string) => new Response(body, { headers: { "content-type": type } });
  const site = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    switch (new URL(request.url).pathname) {
      case "/":
        return text(
          '<!doctype html><link rel="icon" href="data:,"><button>Call</button>' +
            '<script src="desk.js"></script><script type="module" src="client.js"></script>',
          "text/html",
        );
      case "/desk.js":
        return text(SCRIPT, "text/javascript");
      case "/client.js":
        return text(script, "text/javascript");
      case "/sound.wav":
        return sound ? new Response(sound) : new Response(null, { status: 404 });
    }
    return new Response(null, { status: 404 });
  });
  stack.defer(() => site.shutdown());
  const browser: TestBrowser = stack.use(await startBrowser(BROWSER!));
  const { page } = await browser.newPage();
  const origin = `http://127.0.0.1:${site.addr.port}`;
  await page.goto(`${origin}/`);
  await page.click("button");
  return { page, origin };
}
