/**
 * A page in a real browser that plays recordings.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { findBrowser, startBrowser } from "./browser.ts";
import { PATIENCE_MS } from "./waiting.ts";

/** What was seen of a file while it was played. */
export interface Played {
  duration: number;
  /** Where it stood at the end. */
  end: number;
  /** Of the picture; 0 without one. */
  width: number;
  /** Bytes of sound that were decoded. */
  sound: number;
}

/** Plays files, each a little at its beginning, then, after a jump, from its last second to its end. */
export interface Player extends AsyncDisposable {
  play(name: string): Promise<Played>;
}

/** Opens the page. `read` answers what its player asks for, by name and headers. */
export async function openPlayer(
  read: (name: string, headers: Headers) => Promise<Response> | Response,
): Promise<Player> {
  await using stack = new AsyncDisposableStack();
  const html = { headers: { "content-type": "text/html" } };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ url, headers }) => {
    const name = new URL(url).pathname.slice(1);
    return name === "" ? new Response('<link rel="icon" href="data:,">', html) : read(name, headers);
  });
  stack.defer(() => server.shutdown());
  const browser = stack.use(await startBrowser(findBrowser()!));
  const { page, notes } = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.addr.port}/`);
  const owned = stack.move();
  return {
    async play(name) {
      const played = await page.evaluate(`(${PLAY})(${JSON.stringify(name)})`);
      assert.deepEqual(notes.complaints, []);
      return played as Played;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const PLAY = `async (name) => {
  const video = document.createElement("video");
  video.muted = true;
  const failed = new Promise((_, reject) => video.onerror = () => reject(new Error(video.error.message)));
  const until = (event) => Promise.race([failed, new Promise((resolve, reject) => {
    video.addEventListener(event, resolve, { once: true });
    const { currentTime, duration, readyState, networkState, paused, ended } = video;
    const seen = JSON.stringify({ currentTime, duration, readyState, networkState, paused, ended });
    // Whoever waits for the page is told what it saw, so it gives up before.
    setTimeout(() => reject(new Error("Waited in vain for " + event + ", since " + seen)), ${PATIENCE_MS / 2});
  })]);
  const loaded = until("loadeddata");
  video.src = "/" + name;
  document.body.append(video);
  await loaded;
  const { duration } = video;
  await video.play();
  while (video.currentTime < Math.min(1, duration / 2)) await until("timeupdate");
  const sound = video.webkitAudioDecodedByteCount;
  const sought = until("seeked");
  video.currentTime = duration - 1;
  await sought;
  if (!video.ended) await until("ended");
  const played = { duration, end: video.currentTime, width: video.videoWidth, sound };
  video.remove();
  video.removeAttribute("src");
  return played;
}`;
