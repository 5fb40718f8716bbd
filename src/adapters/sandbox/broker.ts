/**
 * The live permission broker: Deno asks it for everything a program wants.
 *
 * @module
 */
import type { AccessQuestion, Decision } from "../../ports/sandbox.ts";
import type { Answer, BrokerReply, BrokerRequest } from "./broker_messages.ts";
import type { Rules } from "./rules.ts";

/** Who is told, and asked. */
export interface BrokerListener {
  denied(words: string): void;
  /** The program has to be ended: its permissions can't be told any more. */
  lost(words: string): void;
  /** Resolves in bounded time. */
  ask(access: AccessQuestion, signal: AbortSignal): Promise<Answer>;
}

/** One program's questions. */
export interface Watched extends AsyncDisposable {
  /** Tells which process the program is, or the box around it. Nothing is answered before. */
  started(pid: number): void;
  decisions(): Decision[];
}

interface Session {
  listener: BrokerListener;
  decisions: Decision[];
  listening: PromiseWithResolvers<void>;
  closed: PromiseWithResolvers<void>;
  over: AbortController;
}

/** Holds the Worker that answers, as long as there are programs. */
export class Broker {
  #worker: Worker | undefined;
  #sessions = new Map<number, Session>();
  #last = 0;
  #held = 0;

  /** Starts the Worker, and keeps it until disposed. */
  hold(): Disposable {
    this.#held++;
    this.#worker ??= this.#open();
    return {
      [Symbol.dispose]: () => {
        this.#held--;
        this.#rest();
      },
    };
  }

  /** Answers at `socket`, by `rules`, until disposed. */
  async watch({ socket, rules }: { socket: string; rules: Rules }, listener: BrokerListener): Promise<Watched> {
    const id = ++this.#last;
    const session: Session = {
      listener,
      decisions: [],
      listening: Promise.withResolvers(),
      closed: Promise.withResolvers(),
      over: new AbortController(),
    };
    this.#sessions.set(id, session);
    this.#send({ type: "open", session: id, socket, rules });
    try {
      await session.listening.promise;
    } catch (error) {
      this.#forget(id);
      throw error;
    }
    return {
      started: (pid) => this.#send({ type: "started", session: id, pid }),
      decisions: () => session.decisions,
      [Symbol.asyncDispose]: async () => {
        if (session.over.signal.aborted) return session.closed.promise;
        session.over.abort();
        if (this.#sessions.has(id)) this.#send({ type: "close", session: id });
        await session.closed.promise;
      },
    };
  }

  #send(request: BrokerRequest): void {
    this.#worker ??= this.#open();
    this.#worker.postMessage(request);
  }

  #open(): Worker {
    const worker = new Worker(new URL("./broker_worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }) => this.#hear(data as BrokerReply);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(event.message);
    };
    return worker;
  }

  #hear(reply: BrokerReply): void {
    const session = this.#sessions.get(reply.session);
    if (session === undefined) return;
    switch (reply.type) {
      case "listening":
        if (reply.error === undefined) session.listening.resolve();
        else session.listening.reject(new Error(reply.error));
        return;
      case "denied":
        return session.listener.denied(reply.words);
      case "tampered":
        return session.listener.lost(reply.words);
      case "counted":
        session.decisions = reply.decisions;
        return;
      case "closed":
        session.decisions = reply.decisions;
        return this.#forget(reply.session);
      case "ask":
        session.listener.ask(reply.access, session.over.signal).then((answer) => {
          if (!this.#sessions.has(reply.session)) return;
          this.#send({ type: "answer", session: reply.session, question: reply.question, answer });
        });
    }
  }

  #forget(id: number): void {
    this.#sessions.get(id)?.closed.resolve();
    this.#sessions.delete(id);
    this.#rest();
  }

  #rest(): void {
    if (this.#sessions.size > 0 || this.#held > 0) return;
    this.#worker?.terminate();
    this.#worker = undefined;
  }

  /** The Worker is gone, and with it every connection: programs end with their next question. */
  #fail(message: string): void {
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const { listener, listening, closed } of sessions) {
      listening.reject(new Error(message));
      closed.resolve();
      listener.lost(`The sandbox failed: ${message}`);
    }
  }
}
