/**
 * The choice of microphone, speaker and camera.
 *
 * @module
 */
import { byId, drawLevel, el, show } from "./element.ts";
import { CallError, LevelMeter } from "./session_client.ts";

const KINDS = { microphone: "audioinput", speaker: "audiooutput", camera: "videoinput" } as const;
/** A kind of device. */
export type DeviceKind = keyof typeof KINDS;

const GONE: Readonly<Record<DeviceKind, string>> = {
  microphone: "The microphone is gone. The system’s choice is used instead.",
  speaker: "The speaker is gone. The system’s choice is used instead.",
  camera: "The camera is gone. The next one you share is the system’s choice.",
};

/** A look at a microphone; without a stream as long as the browser is asked for it. */
interface Checking {
  stream?: MediaStream;
  meter?: LevelMeter;
}

/** The lists of devices, before a call and in it, and a look at the microphone's level. */
export class Devices {
  readonly #lists: Readonly<Record<DeviceKind, HTMLSelectElement>> = {
    microphone: byId<HTMLSelectElement>("microphone"),
    speaker: byId<HTMLSelectElement>("speaker"),
    camera: byId<HTMLSelectElement>("camera"),
  };
  readonly #all = byId("devices");
  readonly #check = byId<HTMLButtonElement>("check");
  readonly #level = byId("check-level");
  readonly #notice = byId("device-notice");
  readonly #onUnseen: (text: string) => void;
  #checking: Checking | undefined;
  #inCall = false;

  /** `onUnseen` is told what there is to say while the lists are not shown. */
  constructor({ onUnseen }: { onUnseen(text: string): void }) {
    this.#onUnseen = onUnseen;
    byId("speaker-field").hidden = !("setSinkId" in HTMLMediaElement.prototype);
    this.#check.addEventListener("click", () => void (this.#checking ? this.stopCheck() : this.#startCheck()));
    this.onChange("microphone", () => this.#checking && void this.#startCheck());
    this.#all.addEventListener("change", () => show(this.#notice, ""));
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.refresh());
    void this.refresh();
  }

  /** The device that was chosen, as a constraint; anything where none was. */
  chosen(kind: "microphone" | "camera"): true | MediaTrackConstraints {
    const { value } = this.#lists[kind];
    return value === "" ? true : { deviceId: { exact: value } };
  }

  /** The chosen speaker's id; empty: the browser's own choice. */
  get speaker(): string {
    return this.#lists.speaker.value;
  }

  /** Whether the lists are among a call's controls, which has a level of its own to show. */
  set inCall(inCall: boolean) {
    this.#inCall = inCall;
    const panel = byId("call-devices");
    panel.hidePopover();
    (inCall ? panel : byId("setup-devices")).append(this.#all);
    show(this.#notice, "");
    this.#paint();
  }

  /** How loud the call's microphone is. */
  set level(level: number) {
    drawLevel(this.#level, level);
  }

  /** Calls `listener` when another device is chosen, or the chosen one is `lost`. */
  onChange(kind: DeviceKind, listener: (lost: boolean) => void): void {
    this.#lists[kind].addEventListener("change", () => listener(false));
    this.#lists[kind].addEventListener("lost", () => listener(true));
  }

  /** Falls back to the system's choice, and says so: the device is gone. */
  lose(kind: DeviceKind): void {
    this.#lists[kind].value = "";
    this.#say(GONE[kind]);
    this.#lists[kind].dispatchEvent(new Event("lost"));
  }

  /** Says why a device can't be used, and shows the one that is. */
  refuse(kind: DeviceKind, why: string, used: string): void {
    choose(this.#lists[kind], used);
    this.#say(why);
  }

  /** Reads the devices again: their names are told only once the person has allowed one. */
  async refresh(): Promise<void> {
    const devices = await navigator.mediaDevices?.enumerateDevices().catch(() => []) ?? [];
    for (const kind of Object.keys(KINDS) as DeviceKind[]) {
      const list = this.#lists[kind];
      const { value } = list;
      const there = devices.filter((one) => one.kind === KINDS[kind]);
      // Where names are not told any more, nothing is known of what was chosen.
      if (value !== "" && there.some(({ label }) => label === "")) continue;
      const named = there.filter(({ label, deviceId }) => label !== "" && !["", "default"].includes(deviceId));
      list.replaceChildren(
        el("option", { value: "" }, "The system’s choice"),
        ...named.map(({ deviceId, label }) => el("option", { value: deviceId }, label)),
      );
      if (!choose(list, value)) this.lose(kind);
    }
  }

  /** Lets the microphone go. */
  stopCheck(): void {
    const checking = this.#checking;
    this.#checking = undefined;
    checking?.meter?.[Symbol.dispose]();
    release(checking?.stream);
    this.#paint();
  }

  async #startCheck(): Promise<void> {
    this.stopCheck();
    const checking: Checking = this.#checking = {};
    this.#paint();
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: this.chosen("microphone") });
      // Another was chosen, or the call begun, meanwhile.
      if (checking !== this.#checking) return release(stream);
      Object.assign(checking, { stream, meter: new LevelMeter(stream) });
      void this.refresh();
      this.#draw(checking);
    } catch (error) {
      if (checking !== this.#checking) return;
      this.stopCheck();
      this.#say(describeFault(error));
    }
  }

  #say(text: string): void {
    const seen = this.#all.checkVisibility();
    show(this.#notice, seen ? text : "");
    if (!seen) this.#onUnseen(text);
  }

  #paint(): void {
    const on = this.#checking !== undefined;
    this.#check.hidden = this.#inCall;
    this.#check.setAttribute("aria-pressed", String(on));
    this.#check.textContent = on ? "Stop" : "Check";
    this.#level.hidden = !on && !this.#inCall;
  }

  #draw(checking: Checking): void {
    if (checking !== this.#checking) return;
    this.level = checking.meter?.read() ?? 0;
    requestAnimationFrame(() => this.#draw(checking));
  }
}

/** Chooses a device, or none where it isn't there. Returns whether it is. */
function choose(list: HTMLSelectElement, id: string): boolean {
  list.value = id;
  if (list.selectedIndex >= 0) return true;
  list.value = "";
  return false;
}

function release(stream: MediaStream | undefined): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

const FAULTS: Readonly<Record<string, string>> = {
  NotAllowedError: "The browser was not allowed to use the device. Allow it beside the address, and try again.",
  NotFoundError: "There is no such device here.",
  NotReadableError: "Another program is using the device.",
  OverconstrainedError: "The device that was chosen is not there any more.",
  SecurityError: "Browsers give microphone and camera only to pages that came over HTTPS, or from this machine.",
};

/** What went wrong, in words for the person. */
export function describeFault(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof CallError) {
    return error.retry_after === undefined ? error.message : `${error.message}. Try again in ${error.retry_after} s.`;
  }
  if (navigator.mediaDevices === undefined) return FAULTS.SecurityError!;
  return FAULTS[error.name] ?? error.message;
}
