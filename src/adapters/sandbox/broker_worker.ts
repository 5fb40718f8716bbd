/**
 * The Worker that answers what Deno asks for programs of strangers: theirs is
 * the time that it takes, and not the server's.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import { systemClock } from "../../kit/clock.ts";
import type { Decision } from "../../ports/sandbox.ts";
import type { Answer, BrokerReply, BrokerRequest } from "./broker_messages.ts";
import { BrokerSession } from "./broker_session.ts";
import type { Surroundings } from "./decide.ts";
import { findProcess, placeOf } from "./process_place.ts";
import type { Rules } from "./rules.ts";

interface Open {
  started(pid: number): void;
  answer(question: number, answer: Answer): void;
  close(): void;
}

// The program is checked with the window's types, which don't have a Worker's `postMessage`.
const scope = globalThis as unknown as { postMessage(reply: BrokerReply): void };
const sessions = new Map<number, Open>();

async function resolve(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** Paths as the program sees them: by its own folder and root where the system tells, else from where it started. */
function surround({ rules, top }: { rules: Rules; top: number }): (pid: number) => Surroundings {
  let found: number | undefined;
  return (pid) => ({
    resolve,
    place() {
      if (Deno.build.os !== "linux") return { cwd: rules.cwd, root: "" };
      found ??= findProcess(top, pid);
      if (found === undefined) throw new Error(`Cannot find process ${pid} below ${top}`);
      return placeOf(found, rules);
    },
  });
}

function open({ session, socket, rules }: BrokerRequest & { type: "open" }): void {
  let listener: Deno.UnixListener;
  try {
    listener = Deno.listen({ transport: "unix", path: socket });
  } catch (error) {
    scope.postMessage({ type: "listening", session, error: error instanceof Error ? error.message : String(error) });
    return;
  }
  const over = new AbortController();
  const started = Promise.withResolvers<number>();
  const answers = new Map<number, (answer: Answer) => void>();
  let asked = 0;
  let decisions = (): Decision[] => [];
  sessions.set(session, {
    started: started.resolve,
    answer(question, answer) {
      answers.get(question)?.(answer);
      answers.delete(question);
    },
    close: () => over.abort(),
  });
  const stopListening = () => {
    try {
      listener.close();
    } catch {
      // Somebody has connected.
    }
  };
  over.signal.addEventListener("abort", stopListening, { once: true });
  const serve = async () => {
    const connection = await listener.accept();
    // One program, one connection: nobody else is to ask in its name. The socket goes with the listener.
    listener.close();
    const { signal } = over;
    const top = await Promise.race([started.promise, ended(signal)]);
    if (top === undefined) return connection.close();
    const server = new BrokerSession({
      rules,
      deps: { clock: systemClock, around: surround({ rules, top }) },
      listener: {
        denied: (words) => scope.postMessage({ type: "denied", session, words }),
        counted: (counts) => scope.postMessage({ type: "counted", session, decisions: counts }),
        tampered: (words) => scope.postMessage({ type: "tampered", session, words }),
        ask(access) {
          const { promise, resolve } = Promise.withResolvers<Answer>();
          answers.set(++asked, resolve);
          scope.postMessage({ type: "ask", session, question: asked, access });
          return promise;
        },
      },
    });
    decisions = () => server.decisions();
    await server.serve(connection, signal);
  };
  scope.postMessage({ type: "listening", session });
  serve().catch((error) => {
    if (over.signal.aborted) return;
    scope.postMessage({ type: "tampered", session, words: `The sandbox could not answer: ${String(error)}` });
  }).then(() => ended(over.signal)).finally(() => {
    for (const answer of answers.values()) answer({ allow: false, words: "The program has ended" });
    sessions.delete(session);
    scope.postMessage({ type: "closed", session, decisions: decisions() });
  });
}

function ended(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return Promise.resolve(undefined);
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(undefined), { once: true }));
}

addEventListener("message", (event) => {
  const request = (event as MessageEvent<BrokerRequest>).data;
  if (request.type === "open") return open(request);
  const session = sessions.get(request.session);
  if (request.type === "started") session?.started(request.pid);
  else if (request.type === "answer") session?.answer(request.question, request.answer);
  else session?.close();
});
