/**
 * Whatever goes wrong with a server, as one kind of failure.
 *
 * @module
 */
import {
  InsufficientScopeError,
  OAuthClientFlowError,
  OAuthError,
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  SseError,
  UnauthorizedError,
} from "@modelcontextprotocol/client";
import { AppError, type ErrorDetails } from "../../domain/error.ts";
import { McpFailure, type McpFailureKind } from "../../domain/mcp_server.ts";
import { maskSecrets } from "../../kit/log.ts";
import { BodyTooLong } from "./bounded_body.ts";
import { redact } from "./credentials.ts";
import { ChannelEnded, NotSent } from "./ending.ts";
import { MAX_WORDS } from "./limits.ts";
import {
  AnswerMalformed,
  AnswerMissing,
  RequestRefused,
  RequestTimeout,
  TaskBroken,
  TaskLost,
} from "./request_errors.ts";
import { type Challenge, NetworkFailure } from "./server_fetch.ts";

/** What is known of the connection when something goes wrong. */
export interface FailureContext {
  /** What was attempted: `call the tool "x" of tool server "y"`. */
  what: string;
  secrets: readonly string[];
  /** Whether the server keeps a session of ours, which it can forget. */
  session: boolean;
  challenge: Challenge | undefined;
  /** Why the last request to it got no answer, where that is known. */
  network?: NetworkFailure | undefined;
  /** Whether the server can have acted, where that is known whatever went wrong. */
  sent?: boolean;
  /** Whose connection it is, where each user has their own. */
  user_id?: string | undefined;
  /** Where a person allows us in, if that is what it takes. */
  sign_in_url?: string | undefined;
}

interface Found {
  kind: McpFailureKind;
  words: string;
  sent: boolean;
  details?: ErrorDetails;
}

/** Makes a failure of anything thrown. Those that are `AppError` stay as they are. */
export function toFailure(thrown: unknown, context: FailureContext): AppError {
  if (thrown instanceof AppError) return thrown;
  if (thrown instanceof TaskBroken) return toFailure(thrown.cause, { ...context, sent: true });
  const { kind, words, sent, details } = find(thrown, context);
  const clean = maskSecrets(redact(words, context.secrets)).replaceAll(/\s+/g, " ").trim();
  const cut = clean.length > MAX_WORDS ? `${clean.slice(0, MAX_WORDS)}…` : clean;
  return new McpFailure(kind, `Cannot ${context.what}: ${cut}`, {
    sent: context.sent ?? sent,
    cause: thrown,
    details: { ...details, ...context.user_id !== undefined && { user_id: context.user_id } },
  });
}

function find(thrown: unknown, context: FailureContext): Found {
  if (context.sign_in_url !== undefined && isUnauthorized(thrown)) {
    return {
      kind: "unauthorized",
      words: "a person has to sign in first",
      sent: false,
      details: { sign_in_url: context.sign_in_url },
    };
  }
  if (!(thrown instanceof Error)) return { kind: "protocol", words: String(thrown), sent: true };
  const words = thrown.message;
  if (thrown instanceof RequestRefused || thrown instanceof ProtocolError) {
    return { kind: "refused", words: `it refused: ${words}`, sent: true, details: { code: thrown.code } };
  }
  if (thrown instanceof TaskLost) return { kind: "refused", words, sent: true };
  if (thrown instanceof RequestTimeout) return { kind: "timeout", words, sent: true };
  if (thrown instanceof NetworkFailure) return { kind: "unreachable", words, sent: thrown.sent };
  if (thrown instanceof ChannelEnded) return { kind: "closed", words, sent: true };
  if (thrown instanceof NotSent) return { kind: "closed", words: withCause(thrown), sent: false };
  if (thrown instanceof AnswerMissing || thrown instanceof AnswerMalformed || thrown instanceof BodyTooLong) {
    return { kind: "protocol", words, sent: true };
  }
  if (thrown instanceof SdkHttpError) return fromStatus(thrown.data.status, String(thrown.data.text ?? words), context);
  if (thrown instanceof SseError) return fromSse(thrown, context);
  if (thrown instanceof OAuthError || thrown instanceof OAuthClientFlowError) {
    const first = context.challenge ? `${toRefusal(401, "", context)}; ` : "";
    return { kind: "unauthorized", words: `${first}signing in failed: ${words}`, sent: false };
  }
  if (isUnauthorized(thrown)) return { kind: "unauthorized", words: toRefusal(401, words, context), sent: false };
  if (thrown instanceof SdkError) return fromSdk(thrown, context);
  const status = /\(HTTP (\d{3})\): (.*)$/s.exec(words);
  if (status) return fromStatus(Number(status[1]), status[2]!, context);
  return { kind: "protocol", words: `its answer can't be understood: ${words}`, sent: true };
}

function isUnauthorized(thrown: unknown): boolean {
  return thrown instanceof UnauthorizedError || thrown instanceof OAuthError ||
    thrown instanceof OAuthClientFlowError || thrown instanceof InsufficientScopeError;
}

function fromStatus(status: number, text: string, context: FailureContext): Found {
  if (status === 401 || status === 403) {
    return { kind: "unauthorized", words: toRefusal(status, text, context), sent: false, details: { status } };
  }
  const words = `it answered with HTTP ${status}${text === "" ? "" : `: ${wordsOf(text)}`}`;
  if (context.session && (status === 404 || (status === 400 && /session|initializ/i.test(text)))) {
    return { kind: "session_lost", words: `it has forgotten the session (HTTP ${status})`, sent: false };
  }
  // Overload and gateways without a server say so before anything was done.
  if (status >= 500) return { kind: "unreachable", words, sent: status !== 503, details: { status } };
  return { kind: "refused", words, sent: false, details: { status } };
}

function toRefusal(status: number, text: string, { challenge }: FailureContext): string {
  const reason = challenge?.reason ?? wordsOf(text);
  return `it answered with HTTP ${challenge?.status ?? status}${reason === "" ? "" : `: ${reason}`}`;
}

/** The words in an error that is JSON, else all of it. */
function wordsOf(text: string): string {
  try {
    const { error, error_description, message } = JSON.parse(text);
    const words = error_description ?? error?.message ?? message ?? error;
    return typeof words === "string" ? words : text;
  } catch {
    return text;
  }
}

function fromSse({ code, message, event }: SseError, context: FailureContext): Found {
  if (code !== undefined) return fromStatus(code, "", context);
  const { network } = context;
  // The event says it twice, with the address.
  if (network) return { kind: "unreachable", words: network.message, sent: network.sent };
  return { kind: "unreachable", words: event.message ?? message, sent: false };
}

function fromSdk(error: SdkError, context: FailureContext): Found {
  if (error.cause instanceof Error && error.cause !== error) return find(error.cause, context);
  if (error.code === SdkErrorCode.RequestTimeout) {
    return { kind: "timeout", words: "it didn't answer in time", sent: true };
  }
  if (error.code === SdkErrorCode.ConnectionClosed || error.code === SdkErrorCode.NotConnected) {
    return { kind: "closed", words: "the connection was closed", sent: true };
  }
  return { kind: "protocol", words: error.message, sent: true };
}

function withCause({ message, cause }: Error): string {
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
