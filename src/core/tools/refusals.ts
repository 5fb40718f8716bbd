/**
 * Why a call of a tool can't be, in words that say what to change.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Ruling } from "../policies/ruling.ts";
import { withoutSecrets } from "./result.ts";

const MAX_PROBLEMS = 20;

/** The agent may not. */
export function forbidden(tool: string, why: string): AppError {
  return new AppError("ForbiddenError", `Cannot call tool "${tool}": ${why}`);
}

/** There is no such tool. */
export function unknownTool(tool: string): AppError {
  return new AppError("NotFoundError", `Cannot call tool "${tool}": there is no such tool`);
}

/** The time of a call is over. */
export function tooLong(tool: string, ms: number): AppError {
  return new AppError("TimeoutError", `Cannot wait for tool "${tool}" any longer: ${ms / 1000} s passed`);
}

/** The arguments are not as they must be. */
export function invalid(error: "ValidationError" | "ForbiddenError", tool: string, problems: string[]): AppError {
  return new AppError(error, `Cannot call tool "${tool}": ${problems.slice(0, 5).join("; ")}`, {
    details: { problems: problems.slice(0, MAX_PROBLEMS) },
  });
}

/** Why a policy denies a tool, and what to change. */
export function denial(tool: string, { decision, policy, rule, reason }: Ruling): AppError | undefined {
  if (decision !== "deny") return undefined;
  const because = reason === undefined ? "" : ` (${reason})`;
  const why = `policy "${policy}" denies it${because}: its rule "${rule}" would have to say allow or ask`;
  return new AppError("ForbiddenError", `Cannot call tool "${tool}": ${why}`, { details: { policy, rule } });
}

/** A failure as it may be told. */
export function toTellable(tool: string, thrown: unknown, secrets: readonly string[]): AppError {
  if (!(thrown instanceof AppError)) {
    const reason = withoutSecrets(thrown instanceof Error ? thrown.message : String(thrown), secrets);
    return new AppError("UpstreamError", `Tool "${tool}" failed: ${reason}`, { cause: thrown });
  }
  const { name, message, details, retryAfter } = thrown;
  const clean = withoutSecrets({ message, details }, secrets);
  if (clean.message === message && clean.details === details) return thrown;
  return new AppError(name, clean.message, {
    ...clean.details && { details: clean.details },
    ...retryAfter !== undefined && { retry_after: retryAfter },
  });
}
