/**
 * Descriptions of others (SDP): what is refused before anything reads them, and what is rewritten.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { MAX_CANDIDATES, MAX_SDP } from "../../domain/rtc_signal.ts";

const MAX_SECTIONS = 32;
const KINDS = ["audio", "video", "application"];
const CONGESTION = "transport-wide-cc";

function refuse(reason: string): never {
  throw new AppError("ValidationError", `Cannot use the session description: ${reason}`);
}

/** The session's part, then one for each `m=` line. */
export function sectionsOf(sdp: string): string[] {
  return sdp.split(/^(?=m=)/m);
}

/** Throws `ValidationError` unless `sdp` can be a description of a peer. */
export function checkDescription(sdp: string): void {
  if (sdp.length > MAX_SDP.characters) refuse(`it has ${sdp.length} characters, at most ${MAX_SDP.characters} may be`);
  const long = sdp.split("\n").find((line) => line.length > MAX_SDP.line);
  if (long !== undefined) refuse(`a line has ${long.length} characters, at most ${MAX_SDP.line} may be`);
  const [session = "", ...sections] = sectionsOf(sdp);
  if (!session.startsWith("v=0")) refuse('it must begin with "v=0"');
  if (sections.length === 0) refuse("it has no media");
  if (sections.length > MAX_SECTIONS) refuse(`it has ${sections.length} sections, at most ${MAX_SECTIONS} may be`);
  const candidates = sdp.match(/^a=candidate:/gm)?.length ?? 0;
  if (candidates > MAX_CANDIDATES) refuse(`it has ${candidates} candidates, at most ${MAX_CANDIDATES} may be`);
  for (const section of sections) {
    const kind = /^m=(\S*)/.exec(section)![1]!;
    if (!KINDS.includes(kind)) refuse(`its media must be ${KINDS.join(", ")}, one is "${kind.slice(0, 40)}"`);
    if (!/^a=mid:\S/m.test(section)) refuse(`a section of "${kind}" lacks "a=mid"`);
    if (/^m=\w+ 0 /.test(section) && !/^a=bundle-only/m.test(section)) continue;
    for (const line of ["fingerprint", "ice-ufrag", "ice-pwd"]) {
      const wanted = new RegExp(`^a=${line}:\\S`, "m");
      if (!wanted.test(session) && !sections.some((one) => wanted.test(one))) refuse(`it lacks "a=${line}"`);
    }
  }
}

/** Whether a candidate's host is a name of multicast DNS, which nobody here can resolve. */
export function isHidden(candidate: string): boolean {
  return /^(a=)?candidate:\S+ \d+ \S+ \d+ \S+\.local /i.test(candidate);
}

/** A candidate without the count of restarts, which werift expects to be its own and who restarts alone doesn't share. */
export function withoutGeneration(candidate: string): string {
  return candidate.replace(/ generation \d+/, "");
}

/** Sections whose port is 0 only because they share another's (RFC 9143) are accepted like any other. */
function openBundled(section: string): string {
  if (!/^a=bundle-only\r?$/m.test(section)) return section;
  return section.replace(/^(m=\w+) 0 /, "$1 9 ").replace(/^a=bundle-only\r?\n/m, "");
}

/** Without the congestion feedback whose reports would be wrong. */
function withoutCongestion(section: string): string {
  return section.replace(/^a=rtcp-fb:\S+ transport-cc\r?\n/gm, "")
    .replace(/^a=extmap:.*\r?\n/gm, (line) => line.includes(CONGESTION) ? "" : line);
}

/** Rewrites what would be misunderstood. Candidates may always follow, so an end of them is left out. */
export function mendDescription(sdp: string): string {
  const lines = sdp.replace(/\r?\n/g, "\r\n").replace(/^a=end-of-candidates\r\n/gm, "")
    .replace(/^a=candidate:.*\r\n/gm, (line) => isHidden(line) ? "" : withoutGeneration(line));
  const whole = lines.endsWith("\r\n") ? lines : `${lines}\r\n`;
  return sectionsOf(whole).map((section) => withoutCongestion(openBundled(section))).join("");
}

/** The description with other credentials and candidates, for a restart by a fragment. */
export function replaceFragment(
  sdp: string,
  { ufrag, pwd, candidates }: { ufrag: string; pwd: string; candidates: readonly string[] },
): string {
  const replaced = sdp.replace(/^a=ice-ufrag:.*$/gm, () => `a=ice-ufrag:${ufrag}`)
    .replace(/^a=ice-pwd:.*$/gm, () => `a=ice-pwd:${pwd}`).replace(/^a=candidate:.*\r\n/gm, "");
  const [session = "", first = "", ...rest] = sectionsOf(replaced);
  const lines = candidates.map((one) => `a=${withoutGeneration(one.replace(/^a=/, ""))}\r\n`).join("");
  return [session, first + lines, ...rest].join("");
}
