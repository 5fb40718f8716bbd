/**
 * The part of the page `/docs/call` about who hears and speaks, and when it is whose turn.
 *
 * @module
 */
import { html } from "@hono/hono/html";
import { type Html, table } from "./html.ts";

const ENGINES = [
  ["`speech.stt`", "An OpenAI-compatible server, or a program: whisper.cpp with a model, or a command of yours"],
  ["`speech.tts`", "An OpenAI-compatible server, or a program: piper with a voice, espeak-ng, or a command of yours"],
  ["`speech.realtime`", "A server that speaks OpenAI’s Realtime protocol: it hears, thinks and speaks by itself"],
] as const;

const TURNS = [
  ['`turn_detection: "silence"`', "`rtc.voice.end_ms` of silence end a turn, whatever was said"],
  [
    '`turn_detection: "semantic"`',
    "The agent’s model is asked in each pause, in a few words and at most twelve times a turn, whether this was all: a " +
    "finished sentence is answered at once, an unfinished one waits up to `rtc.voice.max_end_ms`. What is slow, fails " +
    "or makes no sense leaves it to silence. An engine that understands only whole sound is asked in each pause, too",
  ],
  [
    "`rtc.voice.preemptive`",
    "An answer is begun in the pause, at most three times a turn. It is said only if exactly that is asked in the end; " +
    "otherwise it is stopped, and what it cost is a cancelled call of the model without a run",
  ],
] as const;

const CHANGES = [
  ["`server_vad`, or `semantic_vad` with `eagerness`", "`turn_detection`", "Silence alone decides, or the words, too"],
  ["`silence_duration_ms`", "`end_ms`", "100 to 10,000: how much silence ends a turn"],
  [
    "`eagerness`",
    "`max_end_ms`",
    "How long an unfinished turn waits: 8 s if `low`, 4 s if `medium` or `auto`, 2 s if `high`",
  ],
  [
    "`threshold`",
    "`threshold`",
    "0 to 1: how loud speech is at least. 0.5 is `rtc.voice.vad_threshold_db`, each tenth more are 4 dB",
  ],
  [
    "`prefix_padding_ms`",
    "`preroll_ms`",
    "0 to 2000: how much sound before the first speech belongs to it, usually 300",
  ],
  ["`interrupt_response: false`", "`interrupts: false`", "Speech doesn’t stop an answer: its own comes afterwards"],
  [
    "`idle_timeout_ms`",
    "`idle_ms`",
    "After how much silence the agent goes on by itself once it was heard to the end, three times in a row at most. " +
    "It is told `(Nothing is heard of the caller.)`. Not in rooms",
  ],
] as const;

/** What the part says. */
export function callVoice(): Html {
  return html`
    ${table(["Setting", "Who does it"], ENGINES)}
    <p>Without settings it is OpenAI, if its key is set, else a program that is found. <code>muxi doctor</code> says which,
    and what to install. pocketsphinx is never chosen by itself: it understands only the sentences of a grammar, which
    <code>speech.stt.command</code> names with <code>-jsgf</code>. An agent’s <code>voice</code> says its
    <code>language</code>, <code>voice</code>, <code>speed</code>, <code>turn_detection</code> and <code>greeting</code>; a
    call may be begun with others, and change the first three while it goes on.</p>
    <p>An agent with <code>voice.upstream</code> speaks by <code>speech.realtime</code>, and so do all that don’t say
    otherwise with <code>speech.realtime.default</code>. It answers the sound itself, with the agent’s instructions and
    tools. Runs, policies, approvals and the record stay as they are: each answer is a run of this server’s, each call
    of a tool goes the usual way, and whatever the upstream remembers otherwise than the conversation is mended before
    it answers, also what was cut off. With <code>rtc.voice.preemptive</code> it begins to answer when the caller falls
    silent, before the words are known. Its connection is replaced after <code>renew_seconds</code>, between two turns and
    with all that was said, and when it breaks, without a word being lost. While it can’t be reached callers are told
    once, and the engines take over only with <code>speech.realtime.fallback</code>.</p>
    ${table(["Setting", "When the agent’s turn begins"], TURNS)}
    <p>A client changes that for the rest of its call, in OpenAI’s words by <code>turn_detection</code> of a session, in
    ours by <code>{"type": "listen", "turns": "found", "end_ms": 1500}</code>. What isn’t named is as the agent and the
    settings have it, and isn’t told in OpenAI’s session; what can’t be is an error, and changes nothing. A bare
    <code>semantic_vad</code> is the agent’s own way, whatever that is. <code>create_response: false</code> leaves what was
    said to the next <code>response.create</code>.</p>
    ${table(["OpenAI’s `turn_detection`", "Our `listen`", "What it does"], CHANGES)}
  `;
}
