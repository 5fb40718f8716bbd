/**
 * Debian's `whip-client` (simple-whip-client).
 *
 * @module
 */
import { good } from "./calls.ts";
import { endChild } from "./end_child.ts";
import { hasProgram } from "./parts.ts";
import type { TestServer } from "./server.ts";
import { until } from "./story.ts";

/**
 * What the client's libraries ask of libgupnp-igd, which looks for routers. Debian 12's own is linked against another
 * libsoup than the client, so that the client ends at once; this one finds no router.
 */
const STUB = ["thread_new", "get_type", "add_port", "remove_port_local"];

/** A client that publishes. */
export interface WhipClient extends AsyncDisposable {
  /** Resolves with the call's id. */
  session(server: TestServer): Promise<string>;
  /** Ends it as a person would. Resolves when it has ended. */
  hangUp(): Promise<void>;
}

/** Starts a client. */
export type StartWhipClient = (options: { url: string; token: string }) => Promise<WhipClient>;

/** The client of this machine; undefined where it, or a compiler for what it lacks, is missing. */
export function findWhipClient(): StartWhipClient | undefined {
  const missing = ["whip-client", "gcc"].find((program) => !hasProgram(program));
  if (missing === undefined) return start;
  if (Deno.env.get("CI") === "true") throw new Error(`"${missing}" must be installed here`);
  Deno.stderr.writeSync(new TextEncoder().encode(`Skipped: "${missing}" is not installed\n`));
}

async function buildStub(folder: string): Promise<void> {
  const source = STUB.map((name) => `void *gupnp_simple_igd_${name}(void) { return 0; }`).join("\n");
  await Deno.writeTextFile(`${folder}/stub.c`, source);
  const args = ["-shared", "-fPIC", "-o", "libgupnp-igd-1.0.so.4", "stub.c"];
  const { success } = await new Deno.Command("gcc", { args, cwd: folder }).output();
  if (!success) throw new Error("Cannot build the stub of libgupnp-igd");
}

function rtp(media: string, name: string, payload: number): string {
  return `application/x-rtp,media=${media},encoding-name=${name},payload=${payload}`;
}

async function start({ url, token }: { url: string; token: string }): Promise<WhipClient> {
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "muxi-whip-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  await buildStub(folder);
  const { PATH = "", HOME = "" } = Deno.env.toObject();
  const sound = `audiotestsrc is-live=true ! audioconvert ! audioresample ! opusenc ! rtpopuspay pt=100 ! ${
    rtp("audio", "OPUS", 100)
  }`;
  const picture =
    `videotestsrc is-live=true ! video/x-raw,width=160,height=120 ! vp8enc deadline=1 ! rtpvp8pay pt=96 ! ${
      rtp("video", "VP8", 96)
    }`;
  const child = new Deno.Command("whip-client", {
    args: ["-u", url, "-t", token, "-l", "4", "-A", sound, "-V", picture],
    clearEnv: true,
    env: { PATH, HOME, LD_LIBRARY_PATH: folder, GST_REGISTRY: `${folder}/registry` },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  stack.defer(() => endChild(child, "SIGKILL"));
  let isOver = false;
  void child.status.then(() => isOver = true);
  const owned = stack.move();
  return {
    session: (server) =>
      until("whip-client publishes", async () => {
        if (isOver) throw new Error("whip-client has ended before it published");
        const { data } = await good<{ data: { id: string }[] }>(await server.request("GET", "/rtc/sessions"));
        return data[0]?.id;
      }),
    hangUp: () => endChild(child, "SIGINT"),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
