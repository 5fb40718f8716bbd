/**
 * The page `/call`.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/// <reference lib="dom.asynciterable" />
import { agentNames } from "./agent_names.ts";
import { Asks } from "./asks.ts";
import { CallEnd, type Next } from "./call_end.ts";
import { Controls } from "./controls.ts";
import { describeFault, Devices } from "./devices.ts";
import { byId, show } from "./element.ts";
import { Figures } from "./figures.ts";
import { RecordingMark } from "./recording_mark.ts";
import { Retry } from "./retry.ts";
import { RoomView } from "./room_view.ts";
import { Call, type ConnectionState } from "./session_client.ts";
import { Setup } from "./setup.ts";
import { startTheme } from "./theme.ts";
import { Transcript } from "./transcript.ts";
import { ViewersMark } from "./viewers_mark.ts";

const STATES: Readonly<Record<ConnectionState, string>> = {
  connecting: "Connecting",
  connected: "Connected",
  reconnecting: "Reconnecting",
  ended: "Ended",
};
const { base = "", recording: records } = document.documentElement.dataset;
const transcript = new Transcript();
const figures = new Figures();
const asks = new Asks();
const recording = new RecordingMark({ offered: records === "yes", say: (text) => transcript.note(text) });
const viewers = new ViewersMark({ say: (text) => transcript.note(text) });
const room = new RoomView({
  base,
  say: (text, name) => transcript.note(text, name),
  speaker: () => devices.speaker,
});
const retry = new Retry();
const setup = new Setup({ base, retry, onStart: () => void start() });
const end = new CallEnd({ onNext: (next) => begin(next) });
const devices = new Devices({ onUnseen: (text) => show(byId("notice"), text) });
const controls = new Controls({ devices, transcript });
devices.onChange("speaker", () => void room.useSpeaker().catch(() => {}));
startTheme();

async function start(): Promise<void> {
  const { agent_name, ...chosen } = setup.chosen;
  devices.stopCheck();
  setup.fault = "";
  setup.busy = true;
  try {
    const audio = devices.chosen("microphone");
    const call = await retry.run(() => Call.start({ base_url: base, ...chosen, audio }));
    void devices.refresh();
    follow(call, agent_name);
  } catch (error) {
    setup.fault = describeFault(error);
  } finally {
    setup.busy = false;
  }
}

function follow(call: Call, agent_name: string): void {
  for (const part of [transcript, figures, asks]) part.clear();
  transcript.follow(call, agentNames(call, agent_name));
  figures.follow(call);
  recording.follow(call);
  viewers.follow(call);
  room.follow(call);
  asks.follow(call, (source) => controls.share(source));
  controls.follow(call);
  byId("call-title").textContent = agent_name;
  view("call");
  const doing = (text: string, mood = "") => {
    byId("doing").textContent = text;
    byId("orb").dataset.mood = mood;
  };
  const paint = (state: ConnectionState) => {
    show(byId("state"), STATES[state]);
    byId("state").dataset.state = state;
    if (state === "connected") doing(call.held ? "On hold" : "Listening");
    if (state === "reconnecting") doing("Looking for a new way to the server");
  };
  call.on("speech.started", () => doing("Hearing you", "hearing"));
  call.on("speech.stopped", () => doing("Thinking", "thinking"));
  call.on("transcript.final", ({ text }) => {
    // A word in between that stopped nobody is told once the agent has gone on.
    if (byId("orb").dataset.mood === "speaking") return;
    if (text === "") doing("Listening");
    else doing("Thinking", "thinking");
  });
  for (const type of ["agent.speaking", "agent.resumed"] as const) call.on(type, () => doing("Speaking", "speaking"));
  for (const type of ["agent.done", "agent.interrupted"] as const) call.on(type, () => doing("Listening"));
  call.on("session.state", ({ held }) => {
    if (held) doing("On hold");
    else if (byId("doing").textContent === "On hold") doing("Listening");
  });
  call.on("connection", ({ state }) => {
    paint(state);
    if (state !== "ended") return;
    doing("The call is over");
    asks.clear();
    byId("captions").hidden = true;
    view("over");
    end.show(call, recording.newest);
  });
  paint(call.connection);
  const leave = () => void call.hangUp();
  addEventListener("pagehide", leave);
  call.on("connection", ({ state }) => state === "ended" && removeEventListener("pagehide", leave));
  byId("call-title").focus();
}

/** Which part of the page is shown. */
function view(name: "setup" | "call" | "over"): void {
  document.body.dataset.view = name;
  document.querySelector<HTMLElement>(".setup")!.hidden = name !== "setup";
  document.querySelector<HTMLElement>(".call")!.hidden = name === "setup";
  byId("over").hidden = name !== "over";
  byId("compose").hidden = name === "over";
  document.querySelector<HTMLElement>(".controls")!.hidden = name === "over";
  devices.inCall = name === "call";
}

/** Goes on after a call. */
function begin(next: Next): void {
  view("setup");
  if (next === "new_room") return setup.newRoom();
  void setup.load();
  byId("start").focus();
}
