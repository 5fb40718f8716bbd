/**
 * A tool server that wants OAuth, with its authorization server on the same
 * address. Whoever visits the sign-in is let in at once.
 *
 * @module
 */
import { type Heard, type HttpUpstream, startHttpUpstream } from "./mcp_client_http_server.ts";

/** See the module. */
export interface OAuthUpstream extends HttpUpstream {
  /** How many tokens were given out, by the grant. */
  grants: string[];
  /** Access tokens that are still taken, with whose they are. */
  valid: Map<string, string>;
  /** Signs `user` in, as a browser does: where they are sent back to, as its query. */
  visit(sign_in_url: unknown, user?: string): Promise<{ state: string; code: string; iss: string }>;
}

/** Starts one, which looks up `documents` of clients instead of registering them. Its tool `who` says whose token it was called with; `admin` wants the scope of that name, a call that says so in its arguments is answered, or refused, with the token. */
export function startOAuthUpstream({ documents = false, tools = ["echo"] } = {}): OAuthUpstream {
  const valid = new Map<string, string>();
  const scopes = new Map<string, string>();
  const refreshable = new Map<string, string>();
  const codes = new Map<string, { user: string; challenge: string; scope: string }>();
  const grants: string[] = [];
  let count = 0;

  const issue = (user: string, scope: string) => {
    const access_token = `access_token_${++count}`;
    const refresh_token = `refresh_token_${count}`;
    valid.set(access_token, user);
    scopes.set(access_token, scope);
    refreshable.set(refresh_token, user);
    return Response.json({ access_token, refresh_token, token_type: "Bearer", expires_in: 3600, scope });
  };
  const refuse = (error: string) => Response.json({ error }, { status: 400 });

  async function token(form: URLSearchParams): Promise<Response> {
    const grant = form.get("grant_type")!;
    grants.push(grant);
    if (grant === "refresh_token") {
      const given = form.get("refresh_token")!;
      const user = refreshable.get(given);
      // Used twice it is taken for stolen.
      refreshable.delete(given);
      await new Promise((resolve) => setTimeout(resolve, 20));
      return user === undefined ? refuse("invalid_grant") : issue(user, "basic");
    }
    const code = codes.get(form.get("code")!);
    codes.delete(form.get("code")!);
    const verifier = new TextEncoder().encode(form.get("code_verifier")!);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", verifier));
    const challenge = digest.toBase64({ alphabet: "base64url", omitPadding: true });
    return code?.challenge === challenge ? issue(code.user, code.scope) : refuse("invalid_grant");
  }

  function authorize({ searchParams: query }: URL): Response {
    const code = `code_${++count}`;
    const [user, challenge, scope] = ["user", "code_challenge", "scope"].map((name) => query.get(name) ?? "");
    codes.set(code, { user: user!, challenge: challenge!, scope: scope! });
    const back = new URL(query.get("redirect_uri")!);
    for (const [name, value] of Object.entries({ code, state: query.get("state")!, iss: origin() })) {
      back.searchParams.set(name, value);
    }
    return Response.redirect(back);
  }

  const origin = () => new URL(upstream.url).origin;
  const challenge = (status: number, words: string) => {
    const where = `resource_metadata="${origin()}/.well-known/oauth-protected-resource"`;
    return new Response(null, { status, headers: { "www-authenticate": `Bearer ${where}, ${words}` } });
  };

  function answer({ url, headers, message, form }: Heard): Response | object | undefined | Promise<Response> {
    switch (url.pathname) {
      case "/.well-known/oauth-protected-resource":
        return Response.json({ resource: upstream.url, authorization_servers: [origin()] });
      case "/.well-known/oauth-authorization-server":
        return Response.json({
          issuer: origin(),
          authorization_endpoint: `${origin()}/authorize`,
          token_endpoint: `${origin()}/token`,
          registration_endpoint: `${origin()}/register`,
          response_types_supported: ["code"],
          code_challenge_methods_supported: ["S256"],
          token_endpoint_auth_methods_supported: ["none"],
          client_id_metadata_document_supported: documents,
          authorization_response_iss_parameter_supported: true,
        });
      case "/register":
        return Response.json({ ...message, client_id: `client_${++count}` }, { status: 201 });
      case "/authorize":
        return authorize(url);
      case "/token":
        return token(form);
    }
    const given = headers.get("authorization")?.replace("Bearer ", "") ?? "";
    const user = valid.get(given);
    if (user === undefined) return challenge(401, 'error="invalid_token", scope="basic"');
    const tool = message?.params?.name;
    if (tool === "admin" && !scopes.get(given)!.includes("admin")) {
      return challenge(403, 'error="insufficient_scope", scope="admin"');
    }
    const { answer, refuse } = (message?.params?.arguments ?? {}) as { answer?: boolean; refuse?: boolean };
    if (answer) return { content: [{ type: "text", text: `You gave ${given}` }] };
    if (refuse) return Response.json({ message: `I dislike ${given}` }, { status: 400 });
    if (message?.method === "tools/list") {
      return { tools: tools.map((name) => ({ name, inputSchema: { type: "object" } })) };
    }
    return tool === undefined ? undefined : { content: [{ type: "text", text: `${tool} ${user}` }] };
  }

  const upstream = startHttpUpstream(answer);
  return Object.assign(upstream, {
    grants,
    valid,
    async visit(sign_in_url: unknown, user = "everybody") {
      const url = new URL(String(sign_in_url));
      url.searchParams.set("user", user);
      const response = await fetch(url, { redirect: "manual" });
      await response.body?.cancel();
      const back = new URL(response.headers.get("location")!).searchParams;
      return { state: back.get("state")!, code: back.get("code")!, iss: back.get("iss")! };
    },
  });
}
