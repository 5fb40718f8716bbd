/**
 * The choice of microphone, speaker and camera.
 *
 * @module
 */
import { byId, drawLevel, el } from "./element.ts";
import { CallError, LevelMeter } from "./session_client.ts";

const KINDS = { microphone: "audioinput", speaker: "audiooutput", camera: "videoinput" } as const;
type Kind = keyof typeof KINDS;

/** The lists of devices, and a look at the microphone's level before the call. */
export class Devices {
  readonly #lists = Object.fromEntries(
    Object.keys(KINDS).map((kind) => [kind, byId<HTMLSelectElement>(kind)]),
  ) as Record<
    Kind,
    HTMLSelectElement
  >;
  readonly #check = byId<HTMLButtonElement>("check");
  readonly #level = byId("check-level");
  readonly #onFault: (text: string) => void;
  #checking: { stream: MediaStream; meter: LevelMeter } | undefined;

  constructor({ onFault }: { onFault(text: string): void }) {
    this.#onFault = onFault;
    byId("speaker-field").hidden = !("setSinkId" in HTMLMediaElement.prototype);
    this.#check.addEventListener("click", () => void (this.#checking ? this.stopCheck() : this.#startCheck()));
    this.#lists.microphone.addEventListener("change", () => {
      if (this.#checking) void this.#startCheck();
    });
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

  /** Calls `listener` with what was chosen in the middle of something. */
  onChange(kind: Kind, listener: () => void): void {
    this.#lists[kind].addEventListener("change", listener);
  }

  /** Reads the devices again: their names are told only once the person has allowed one. */
  async refresh(): Promise<void> {
    const devices = await navigator.mediaDevices?.enumerateDevices().catch(() => []) ?? [];
    for (const [kind, list] of Object.entries(this.#lists)) {
      const { value } = list;
      const known = devices.filter((one) =>
        one.kind === KINDS[kind as Kind] && one.label !== "" && one.deviceId !== ""
      );
      const named = known.filter(({ deviceId }) => deviceId !== "default");
      list.replaceChildren(
        el("option", { value: "" }, "The system’s choice"),
        ...named.map(({ deviceId, label }) => el("option", { value: deviceId }, label)),
      );
      if (known.some(({ deviceId }) => deviceId === value)) list.value = value;
    }
  }

  /** Lets the microphone go. */
  stopCheck(): void {
    const checking = this.#checking;
    this.#checking = undefined;
    checking?.meter[Symbol.dispose]();
    for (const track of checking?.stream.getTracks() ?? []) track.stop();
    this.#paint(false);
  }

  async #startCheck(): Promise<void> {
    this.stopCheck();
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: this.chosen("microphone") });
      this.#checking = { stream, meter: new LevelMeter(stream) };
      this.#paint(true);
      void this.refresh();
      requestAnimationFrame(() => this.#draw());
    } catch (error) {
      this.#onFault(describeFault(error));
    }
  }

  #paint(on: boolean): void {
    this.#check.setAttribute("aria-pressed", String(on));
    this.#check.textContent = on ? "Stop" : "Check";
    this.#level.hidden = !on;
  }

  #draw(): void {
    if (!this.#checking) return;
    drawLevel(this.#level, this.#checking.meter.read());
    requestAnimationFrame(() => this.#draw());
  }
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
