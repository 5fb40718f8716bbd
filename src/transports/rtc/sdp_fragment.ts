/**
 * Fragments of descriptions (RFC 8840), in which candidates trickle.
 *
 * @module
 */
import { MAX_CANDIDATES } from "../../domain/rtc_signal.ts";
import { refusal } from "./whip_refusal.ts";

/** Their media type. */
export const FRAGMENT_TYPE = "application/trickle-ice-sdpfrag";

/** What a fragment says. */
export interface Fragment {
  ufrag?: string;
  pwd?: string;
  /** Those that can be used. */
  candidates: string[];
}

const LINE = /^[a-z]=[^\r\n]*$/;
const CREDENTIAL = /^[A-Za-z0-9+/]{4,256}$/;
/** Addresses, not names: what can't be resolved is left out without a word, as unknown transports are. */
const CANDIDATE = /^candidate:\S{1,32} \d{1,5} (udp|tcp) \d{1,10} ([\d.]{7,15}|[\da-f:.]{2,45}) \d{1,5} typ /i;

/** Reads a fragment. Refuses what is none with 400. */
export function readFragment(text: string): Fragment {
  const lines = text.split(/\r?\n/).filter((line) => line !== "");
  const odd = lines.find((line) => !LINE.test(line));
  if (odd !== undefined || lines.length === 0) {
    throw refusal(400, `Cannot read the fragment: "${(odd ?? "").slice(0, 100)}" is no line of a description`);
  }
  const [ufrag, pwd] = ["ice-ufrag", "ice-pwd"].map((name) => valueOf(lines, name));
  if ((ufrag === undefined) !== (pwd === undefined)) {
    throw refusal(400, "Cannot read the fragment: expected ice-ufrag and ice-pwd, or neither");
  }
  const candidates = lines.filter((line) => line.startsWith("a=candidate:")).map((line) => line.slice(2));
  if (ufrag === undefined && candidates.length === 0 && !lines.includes("a=end-of-candidates")) {
    throw refusal(400, "Cannot read the fragment: it says nothing of ICE");
  }
  return {
    ...ufrag !== undefined && pwd !== undefined && { ufrag, pwd },
    // Sections are bundled, so one that is told of twice is one.
    candidates: [...new Set(candidates)].filter((one) => CANDIDATE.test(one) && one.length <= 1024)
      .slice(0, MAX_CANDIDATES),
  };
}

/** Lines of an answer that fragments after it repeat. */
export interface FragmentFrame {
  /** Of the session. */
  head: string[];
  /** The first section's first line, and its name. */
  media: string[];
}

/** What fragments repeat of `answer`. */
export function frameOf(answer: string): FragmentFrame {
  const lines = answer.split(/\r?\n/);
  const first = lines.find((line) => line.startsWith("m="));
  const mid = lines.find((line) => line.startsWith("a=mid:"));
  return {
    head: lines.filter((line) => /^a=(ice-lite$|ice-options:|group:BUNDLE)/.test(line)).filter(isFirst),
    media: [...first === undefined ? [] : [first], ...mid === undefined ? [] : [mid]],
  };
}

/** Our fragment for a new path. */
export function writeFragment(
  { ufrag, pwd, candidates }: { ufrag: string; pwd: string; candidates: readonly string[] },
  { head, media }: FragmentFrame,
): string {
  const lines = [
    ...head,
    ...media.slice(0, 1),
    ...media.slice(1),
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${pwd}`,
    ...candidates.map((one) => `a=${one}`),
    "a=end-of-candidates",
  ];
  return lines.map((line) => `${line}\r\n`).join("");
}

function valueOf(lines: readonly string[], name: string): string | undefined {
  const found = lines.find((line) => line.startsWith(`a=${name}:`))?.slice(name.length + 3).trim();
  if (found === undefined || CREDENTIAL.test(found)) return found;
  throw refusal(400, `Cannot read the fragment: its ${name} is none`);
}

function isFirst(line: string, i: number, lines: readonly string[]): boolean {
  return lines.indexOf(line) === i;
}
