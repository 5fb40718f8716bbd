/**
 * The measure of how long a server's event loop is held up.
 *
 * @module
 */

/** A probe that runs. */
export interface Prober extends Disposable {
  /** How long each answer since the last call took, in milliseconds. */
  take(): Promise<number[]>;
}

/** Starts to probe `path` of the server at `url`. */
export async function startProber(url: string, path = "/health/live"): Promise<Prober> {
  const worker = new Worker(new URL("./probe.ts", import.meta.url), { type: "module" });
  const heard = () =>
    new Promise<number[]>((resolve) => {
      worker.onmessage = ({ data }: MessageEvent<number[]>) => resolve(data);
    });
  worker.postMessage({ url, path });
  await heard();
  return {
    take() {
      const times = heard();
      worker.postMessage(null);
      return times;
    },
    [Symbol.dispose]: () => worker.terminate(),
  };
}
