/**
 * What the two ends of a call tell each other before media flows.
 *
 * @module
 */
import { z } from "zod";
import type { Calls } from "../core/calls/calls.ts";
import { AppError } from "../domain/error.ts";
import { RTC_DIALECT, RtcSessionId } from "../domain/rtc_session.ts";
import { IceCandidate, IceServer, MAX_CANDIDATES, Sdp } from "../domain/rtc_signal.ts";
import { toTime } from "../kit/clock.ts";
import { UserId } from "../domain/conversation.ts";
import { type Bound, call, onCall } from "./operation.ts";
import { CallInput } from "./rtc_sessions.ts";

const SIGNALLED = ["SessionNotFoundError", "ConflictError", "GoneError"] as const;

/** Offers, or asks for an offer. */
export const rtcOffer = call({
  id: "rtc_offer",
  summary: "Offer a call, or another description of one, and get the answer; or ask for an offer",
  access: "user",
  input: z.strictObject({
    session_id: RtcSessionId.optional().describe("Absent: a new call, as `rtc_session_create` would make it"),
    type: z.literal("offer").default("offer"),
    sdp: Sdp.optional(),
    dialect: z.enum(RTC_DIALECT).default("muxi").describe("In whose words the call is spoken about"),
    request: z.boolean().default(false).describe(
      "Instead of `sdp`: the server offers, here and as the event `session.offer`; `rtc_answer` answers, once",
    ),
    ...CallInput,
  }),
  output: z.object({
    session_id: z.string(),
    type: z.enum(["answer", "offer"]),
    sdp: z.string(),
    candidates_follow: z.boolean().describe("Whether more candidates of the server come as events"),
  }),
  errors: ["AgentNotFoundError", "ConversationNotFoundError", ...SIGNALLED, "UnavailableError"],
  http: "POST /rtc/offer",
  limit: "run",
});

/** Answers an offer of the server. */
export const rtcAnswer = call({
  id: "rtc_answer",
  summary: "Answer an offer of the server",
  access: "user",
  input: z.strictObject({
    session_id: RtcSessionId,
    user_id: UserId.optional(),
    type: z.literal("answer").default("answer"),
    sdp: Sdp,
  }),
  output: z.null(),
  status: 204,
  errors: SIGNALLED,
  http: "POST /rtc/answer",
  limit: "write",
});

/** Takes candidates. */
export const rtcIceCandidate = call({
  id: "rtc_ice_candidate",
  summary: "Tell the server of candidates, one or several; null when there are no more",
  access: "user",
  input: z.strictObject({
    session_id: RtcSessionId,
    user_id: UserId.optional(),
    candidate: IceCandidate.shape.candidate.nullable().optional(),
    sdp_mid: IceCandidate.shape.sdp_mid,
    sdp_m_line_index: IceCandidate.shape.sdp_m_line_index,
    username_fragment: IceCandidate.shape.username_fragment,
    candidates: z.array(IceCandidate.nullable()).max(MAX_CANDIDATES).optional().describe("Several at once"),
  }),
  output: z.null(),
  status: 204,
  errors: SIGNALLED,
  http: "POST /rtc/ice-candidate",
  limit: "write",
});

/** Lists STUN and TURN servers. */
export const rtcIceServers = call({
  id: "rtc_ice_servers",
  summary: "Get the STUN and TURN servers to use, with credentials that expire",
  access: "user",
  input: z.strictObject({ user_id: UserId.optional() }),
  output: z.object({ ice_servers: z.array(IceServer), expires_at: z.string().nullable() }),
  errors: [],
  http: "GET /rtc/ice-servers",
  limit: "read",
});

/** Every operation of this file. */
export const rtcSignalOperations = [rtcOffer, rtcAnswer, rtcIceCandidate, rtcIceServers] as const;

/** Binds this file's operations. */
export function bindRtcSignals({ calls }: { calls: Calls }): Bound[] {
  return [
    onCall(rtcOffer, async ({ session_id, sdp, request, type: _, user_id: __, record, ...given }, ctx) => {
      const { principal, address, request_id } = ctx;
      if (request !== (sdp === undefined)) {
        throw new AppError("ValidationError", 'Cannot offer a call: expected either "sdp" or "request"');
      }
      const named = (["agent_id", "conversation_id", "voice"] as const).find((name) => given[name] !== undefined);
      const said = named ?? (record ? "record" : undefined);
      if (session_id !== undefined && said !== undefined) {
        throw new AppError("ValidationError", `Cannot offer call "${session_id}" with "${said}": it is for new calls`);
      }
      const begun = { ...given, ...record && { record: { address, request_id } } };
      const call = session_id === undefined ? begun : { session_id };
      return sdp === undefined ? await calls.offer(principal, call) : await calls.answer(principal, sdp, call);
    }),
    onCall(rtcAnswer, async ({ session_id, sdp }, { principal }) => {
      await calls.accept(principal, session_id, sdp);
      return null;
    }),
    onCall(rtcIceCandidate, async ({ session_id, user_id: _, candidates, candidate, ...rest }, { principal }) => {
      if ((candidates === undefined) === (candidate === undefined)) {
        throw new AppError("ValidationError", 'Cannot take candidates: expected either "candidate" or "candidates"');
      }
      const one = candidate === undefined || candidate === null ? null : { candidate, ...rest };
      await calls.addCandidates(principal, session_id, candidates ?? [one]);
      return null;
    }),
    onCall(rtcIceServers, async (_, { principal }) => {
      const { ice_servers, expires_at } = await calls.iceServers(principal);
      return { ice_servers, expires_at: expires_at === null ? null : toTime(expires_at) };
    }),
  ];
}
