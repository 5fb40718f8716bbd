/**
 * A server with people on it: Bob, whose things nobody else may see, and everybody who might try.
 *
 * @module
 */
import { SignJWT } from "jose";
import type { AppOptions } from "../../src/app.ts";
import { learnNothing, resource, scriptedConnector, ScriptedServer } from "./mcp_hub_connector.ts";
import { startProvider } from "./provider.ts";
import { ADMIN_KEY, startServer, type TestServer, USER_KEY } from "./server.ts";
import { scriptedToolbox } from "./toolbox.ts";

/** The key of another application. */
export const OTHER_KEY = "sk_muxi_user_of_another_0123456789";
/** A key that nobody has. */
export const WRONG_KEY = "sk_muxi_user_wrong_0123456789abcdef";
/** Stands in everything of Bob's, and in what only an admin may see. */
export const MARKER = "zanzibar";

/** What tokens are signed with. */
export const JWT_SECRET = "a-secret-of-more-than-thirty-two-bytes";

/** A signed token of `sub`, for an hour or until `exp`. */
export function tokenOf(
  sub: string,
  claims: Record<string, unknown> = {},
  exp: number | string = "1h",
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).setIssuer("sso").setSubject(sub)
    .setExpirationTime(exp).sign(new TextEncoder().encode(JWT_SECRET));
}

/** What Bob owns, and an agent. Made anew for whoever changes it. */
export interface Things {
  conversation_id: string;
  run_id: string;
  file_id: string;
  waiting_run_id: string;
  tool_call_id: string;
  agent_id: string;
  session_id: string;
  /** A call that is being recorded. */
  recorded_session_id: string;
  recording_id: string;
  room_id: string;
  /** A room that is being recorded. */
  recorded_room_id: string;
  /** The one in it, and their call. */
  member_id: string;
  member_session_id: string;
}

/** See the module. */
export interface World extends AsyncDisposable {
  server: TestServer;
  /** Makes what Bob owns. */
  things(): Promise<Things>;
}

/** A tool server that has something to read. */
function library(): ScriptedServer {
  const script = new ScriptedServer();
  script.resources = [resource("library://news")];
  script.prompts = [{ name: "greet", arguments: [{ name: "who", required: false }] }];
  return script;
}

async function made(response: Response): Promise<Record<string, string>> {
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text}`);
  return JSON.parse(text);
}

/** Starts it. What is said decides what the model does: "hang" never ends, "tool" asks for one. */
export async function startWorld(
  settings: Record<string, Record<string, unknown>> = {},
  options: AppOptions & { onLog?: (line: string) => void } = {},
): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const provider = stack.use(
    await startProvider({
      script: ({ body }) => {
        const said = JSON.stringify(body?.messages?.at(-1) ?? "");
        if (said.includes("hang")) return { tokens: ["Well", "…"], delay: 600_000 };
        if (said.includes("tool")) return { tool_calls: [{ name: "look", arguments: { word: MARKER } }] };
        return { tokens: [`I will keep ${MARKER} to myself`] };
      },
    }),
  );
  const server = stack.use(
    await startServer({
      ...options,
      provider: provider.url,
      settings: {
        server: { public_url: "https://muxi.test" },
        mcp_servers: [{ name: "library", url: "https://library.test/mcp" }],
        rtc: {
          max_calls: 10_000,
          max_calls_per_key: 10_000,
          reattach_seconds: 3600,
          rooms: { max_rooms: 10_000, max_members: 100 },
        },
        ...settings,
        auth: {
          mode: "apikey,jwt",
          jwt: { secret: JWT_SECRET, issuer: "sso" },
          api_keys: [`other:user:${OTHER_KEY}`],
          attempts_per_minute: 100_000,
          user_scopes: ["tools"],
          ...settings.auth,
        },
      },
      ports: {
        toolbox: scriptedToolbox({ look: { act: () => ({ result: "nothing", is_error: false }) } }),
        connector: scriptedConnector({ library: library() }),
        learn: learnNothing,
        ...options.ports,
      },
    }),
  );
  const owned = stack.move();
  let count = 0;
  let recorded: string | undefined;
  let recorded_room: string | undefined;
  return {
    server,
    async things() {
      const agent_id = `asker-${++count}`;
      const secret = { user_id: "bob", metadata: { word: MARKER } };
      await made(
        await server.request("POST", "/agents", {
          key: ADMIN_KEY,
          body: {
            id: agent_id,
            name: "Asker",
            system_prompt: `The word is ${MARKER}`,
            allowed_tools: ["*"],
            policies: { ask: ["*"] },
            mcp_servers: [
              { name: "hidden", type: "streamable_http", url: `https://${MARKER}.example` },
              { name: "program", command: "program", args: ["--word", MARKER] },
            ],
          },
        }),
      );
      await made(
        await server.request("PATCH", "/policies/spare", {
          key: ADMIN_KEY,
          body: { create: true, servers: ["nobody"] },
        }),
      );
      await made(
        await server.request("POST", "/users/bob/context", { key: ADMIN_KEY, body: { context: { word: MARKER } } }),
      );
      const { id: conversation_id } = await made(
        await server.request("POST", "/conversations", { body: { ...secret, title: `About ${MARKER}` } }),
      );
      const { run_id } = await made(
        await server.request("POST", "/chat", { body: { ...secret, message: `Of ${MARKER}`, conversation_id } }),
      );
      const { id: file_id } = await made(
        await server.request("POST", `/files?user_id=bob&name=${MARKER}.txt`, {
          body: MARKER,
          headers: { "content-type": "text/plain" },
        }),
      );
      const waiting = await made(
        await server.request("POST", `/agents/${agent_id}/chat`, { body: { ...secret, message: "Use the tool" } }),
      );
      const steps = await made(await server.request("GET", `/runs/${waiting.run_id}/steps`)) as unknown as {
        data: { tool_calls: { id: string }[] }[];
      };
      await made(
        await server.request("POST", `/conversations/${conversation_id}/messages`, {
          body: { user_id: "bob", content: `More of ${MARKER}` },
        }),
      );
      const { id: session_id } = await made(
        await server.request("POST", "/rtc/sessions", { body: { ...secret, agent_id: "assistant" } }),
      );
      // Each has a file open.
      if (recorded !== undefined) await server.request("DELETE", `/rtc/sessions/${recorded}`);
      const being = await made(
        await server.request("POST", "/rtc/sessions", { body: { ...secret, agent_id: "assistant", record: true } }),
      );
      recorded = being.id;
      const { id: room_id } = await made(
        await server.request("POST", "/rtc/rooms", { body: { user_id: "bob", name: MARKER } }),
      );
      const joined = await made(
        await server.request("POST", `/rtc/rooms/${room_id}/members`, { body: { user_id: "bob", name: MARKER } }),
      ) as unknown as Record<"member" | "session", { id: string }>;
      if (recorded_room !== undefined) await server.request("DELETE", `/rtc/rooms/${recorded_room}`);
      const heard = await made(
        await server.request("POST", "/rtc/rooms", { body: { user_id: "bob", name: MARKER } }),
      );
      recorded_room = heard.id;
      await made(await server.request("POST", `/rtc/rooms/${heard.id}/recording`));
      const tool_call_id = steps.data.flatMap((step) => step.tool_calls)[0]!.id;
      return {
        conversation_id: conversation_id!,
        run_id: run_id!,
        file_id: file_id!,
        waiting_run_id: waiting.run_id!,
        tool_call_id,
        agent_id,
        session_id: session_id!,
        recorded_session_id: being.id!,
        recording_id: being.recording_id!,
        room_id: room_id!,
        recorded_room_id: heard.id!,
        member_id: joined.member.id,
        member_session_id: joined.session.id,
      };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Keys by whose they are. */
export const KEYS = { user: USER_KEY, admin: ADMIN_KEY, other: OTHER_KEY, wrong: WRONG_KEY };
