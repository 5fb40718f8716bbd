/**
 * The stories that a crash interrupts. Each is told by a client of its own, and
 * may say what the client does when the server is back.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { Client } from "./crash_client.ts";

/** A story. Its messages are its name and a number. */
export interface Story {
  name: string;
  /** What happens before the crash. */
  tell(client: Client): Promise<void>;
  /** What the client does afterwards. */
  retell?(client: Client): Promise<void>;
}

const waiting = ["run.waiting"] as const;

/** Every story. */
export const STORIES: readonly Story[] = [
  {
    name: "plain",
    tell: async (client) => void await (await client.chat("plain 1")).end(),
  },
  {
    name: "collected",
    tell: async (client) => void await client.collect("collected 1"),
  },
  {
    name: "stored",
    async tell(client) {
      const conversation_id = await client.begin();
      await client.store(conversation_id, "stored 1");
      await client.store(conversation_id, "stored 2");
      await (await client.run(conversation_id)).end();
    },
  },
  {
    name: "tools",
    tell: async (client) => void await (await client.chat("tools 1")).end(),
  },
  {
    name: "refused",
    tell: async (client) => void await (await client.chat("refused 1")).end(),
  },
  ...(["approve", "deny"] as const).map((decision): Story => ({
    name: decision,
    async tell(client) {
      const talk = await client.chat(`${decision} 1`);
      await talk.until(...waiting);
      await client.decide(talk.run_id!, () => decision);
      await talk.end();
    },
  })),
  {
    name: "mixed",
    async tell(client) {
      const talk = await client.chat("mixed 1");
      await talk.until(...waiting);
      await client.decide(talk.run_id!, () => "approve");
      await talk.end();
    },
  },
  {
    name: "cancelled",
    async tell(client) {
      const talk = await client.chat("cancelled 1");
      await talk.until("model.delta");
      assert.ok(await client.cancel(talk.run_id!));
      await talk.end();
    },
  },
  {
    name: "cancel_waiting",
    async tell(client) {
      const talk = await client.chat("cancel_waiting 1");
      await talk.until(...waiting);
      assert.ok(await client.cancel(talk.run_id!));
      await talk.end();
    },
  },
  {
    name: "queued",
    async tell(client) {
      const first = await client.chat("queued 1");
      const { conversation_id } = (await first.until("run.started")).data;
      const second = await client.chat("queued 2", { conversation_id });
      await second.until("run.queued");
      await Promise.all([first.end(), second.end()]);
    },
  },
  {
    name: "interrupted",
    async tell(client) {
      const first = await client.chat("interrupted 1");
      const { conversation_id } = (await first.until("run.started")).data;
      await first.until("model.delta");
      const second = await client.chat("interrupted 2", { conversation_id, multitask: "interrupt" });
      assert.equal((await first.end()).type, "run.cancelled");
      await second.end();
    },
  },
  {
    name: "keyed",
    tell: async (client) => void await (await client.chat("keyed 1", { key: "chat-1" })).end(),
    retell: async (client) => void await (await client.chat("keyed 1", { key: "chat-1" })).end(),
  },
  {
    name: "keyed_message",
    tell: storeWithKey,
    retell: storeWithKey,
  },
];

async function storeWithKey(client: Client): Promise<void> {
  const known = client.promises.keys.get("conversation");
  const conversation_id = known ?? await client.begin();
  client.promises.keys.set("conversation", conversation_id);
  await client.store(conversation_id, "keyed_message 1", "message-1");
}
