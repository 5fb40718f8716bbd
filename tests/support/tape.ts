/**
 * What a page hears, recorded for as long as it takes: how long somebody speaks, hears and thinks is the machine's
 * affair.
 *
 * @module
 */

/** For how long a recording goes on after its end was asked for, in milliseconds. */
export const TAIL_MS = 3000;

/** A page's script: `tape(stream)` begins to record, and gives what ends it and resolves with the bytes in base64. */
export const TAPE = `
const tape = (stream) => {
  const recorder = new MediaRecorder(stream), parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  recorder.start();
  return async () => {
    // What was sent last is heard a little later, and recorded later still by a machine that is busy.
    await new Promise((resolve) => setTimeout(resolve, ${TAIL_MS}));
    const stopped = new Promise((resolve) => recorder.onstop = resolve);
    recorder.stop();
    await stopped;
    return new Uint8Array(await new Blob(parts).arrayBuffer()).toBase64();
  };
};
`;
