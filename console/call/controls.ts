/**
 * The buttons of a call.
 *
 * @module
 */
import { describeFault, type DeviceKind, type Devices } from "./devices.ts";
import { byId, drawLevel, show } from "./element.ts";
import type { Call, LookSource } from "./session_client.ts";
import type { Transcript } from "./transcript.ts";

const KEYS: Readonly<Record<string, string>> = {
  KeyM: "mute",
  KeyC: "share-camera",
  KeyS: "share-screen",
  KeyH: "hold",
};

/** Takes what the person does to the call, and shows what is on. */
export class Controls {
  readonly #devices: Devices;
  readonly #transcript: Transcript;
  #call: Call | undefined;
  #captions = false;
  #using: Promise<void> = Promise.resolve();

  constructor({ devices, transcript }: { devices: Devices; transcript: Transcript }) {
    this.#devices = devices;
    this.#transcript = transcript;
    byId("share-screen").hidden = !("getDisplayMedia" in (navigator.mediaDevices ?? {}));
    this.#on("mute", (call) => call.muted.caller ? call.unmute() : call.mute());
    this.#on("hold", (call) => call.held ? call.resume() : call.hold());
    this.#on("share-camera", (call) => this.#toggle(call, "camera"));
    this.#on("share-screen", (call) => this.#toggle(call, "screen"));
    this.#on("interrupt", (call) => call.interrupt());
    this.#on("listen", async (call) => {
      await call.player?.play();
      byId("listen").hidden = true;
    });
    this.#on("hang-up", (call) => call.hangUp());
    byId("caption").addEventListener("click", () => {
      this.#transcript.captions = this.#captions = !this.#captions;
      this.#paint();
    });
    byId("compose").addEventListener("submit", (event) => {
      event.preventDefault();
      const field = byId<HTMLInputElement>("text");
      if (field.value.trim() === "") return;
      this.#call?.sendText(field.value.trim());
      field.value = "";
    });
    addEventListener("keydown", (event) => this.#hearKey(event));
    for (const kind of ["microphone", "speaker", "camera"] as const) {
      devices.onChange(kind, (lost) => this.#use(kind, lost));
    }
  }

  /** Serves a call until it ends. */
  follow(call: Call): void {
    this.#call = call;
    show(byId("notice"), "");
    call.on("media", ({ source, open }) => {
      if (open && source !== "screen") this.#watch(source, call.stream(source));
      if (source !== "microphone") this.#showView(source, call.stream(source));
      this.#paint();
    });
    call.on("session.state", () => this.#paint());
    call.on("agent.speaking", () => byId<HTMLButtonElement>("interrupt").disabled = false);
    for (const type of ["agent.done", "agent.interrupted"] as const) {
      call.on(type, () => byId<HTMLButtonElement>("interrupt").disabled = true);
    }
    call.on("sound", () => void this.#offerSound(call));
    this.#paint();
    this.#draw();
  }

  /** Sends a camera or screen. Rejects with the browser's `DOMException`. */
  async share(source: LookSource): Promise<void> {
    await this.#call?.share(source, source === "camera" ? this.#devices.chosen("camera") : true);
  }

  async #toggle(call: Call, source: LookSource): Promise<void> {
    if (call.stream(source)) await call.stop(source);
    else await this.share(source);
  }

  /** Takes into the call what is chosen when its turn has come: whoever goes through a list stays with the last. */
  #use(kind: DeviceKind, lost: boolean): void {
    this.#using = this.#using.then(async () => {
      const call = this.#call;
      if (!call || call.connection === "ended") return;
      const before = usedBy(call, kind);
      try {
        if (kind === "speaker") await call.setSpeaker(this.#devices.speaker);
        else if (kind === "microphone") await call.share(kind, this.#devices.chosen(kind));
        // Another camera may see what nobody wants to show.
        else if (call.stream(kind)) await (lost ? call.stop(kind) : this.share(kind));
      } catch (error) {
        // Where only one can be open, it was given up for the other.
        if (kind !== "speaker" && before !== "" && call.stream(kind) === null) {
          await call.share(kind, { deviceId: { exact: before } }).catch(() => {});
        }
        const heard = kind !== "microphone" || call.stream(kind) !== null;
        this.#devices.refuse(kind, `${describeFault(error)}${heard ? "" : " You are not heard."}`, usedBy(call, kind));
      }
    });
  }

  /** A track that ends by itself has lost its device. */
  #watch(kind: "microphone" | "camera", stream: MediaStream | null): void {
    for (const track of stream?.getTracks() ?? []) track.addEventListener("ended", () => this.#devices.lose(kind));
  }

  #on(id: string, act: (call: Call) => unknown): void {
    byId(id).addEventListener("click", async () => {
      const call = this.#call;
      if (!call || call.connection === "ended") return;
      try {
        await act(call);
        show(byId("notice"), "");
      } catch (error) {
        // Whoever closes the browser's own choice of a screen wants nothing.
        show(byId("notice"), id === "share-screen" ? "" : describeFault(error));
      }
      this.#paint();
    });
  }

  #hearKey(event: KeyboardEvent): void {
    const call = this.#call;
    if (!call || call.connection === "ended") return;
    const id = event.altKey && !event.ctrlKey ? KEYS[event.code] : undefined;
    if (event.key === "Escape") {
      // There it closes what is open, and the agent goes on.
      if (!byId("call-devices").matches(":popover-open")) call.interrupt();
    } else if (id !== undefined) {
      event.preventDefault();
      byId(id).click();
    }
  }

  #paint(): void {
    const call = this.#call;
    const press = (id: string, on: boolean) => byId(id).setAttribute("aria-pressed", String(on));
    press("mute", call?.muted.caller ?? false);
    press("hold", call?.held ?? false);
    press("share-camera", call?.stream("camera") ? true : false);
    press("share-screen", call?.stream("screen") ? true : false);
    press("caption", this.#captions);
    document.body.toggleAttribute("data-held", call?.held ?? false);
  }

  #showView(source: LookSource, stream: MediaStream | null): void {
    const view = byId(`${source}-view`);
    view.querySelector("video")!.srcObject = stream;
    view.hidden = stream === null;
    byId("views").hidden = byId("camera-view").hidden && byId("screen-view").hidden;
  }

  /** Browsers play nothing to a person who hasn't touched the page. */
  async #offerSound(call: Call): Promise<void> {
    await call.setSpeaker(this.#devices.speaker).catch(() => {});
    byId("listen").hidden = await call.player?.play().then(() => true, (error) => error.name !== "NotAllowedError") ??
      true;
  }

  #draw(): void {
    const call = this.#call;
    if (!call || call.connection === "ended") return;
    const level = call.muted.caller || call.held ? 0 : call.level("caller");
    drawLevel(byId("my-level"), level);
    this.#devices.level = level;
    drawLevel(byId("orb"), call.level("agent"));
    requestAnimationFrame(() => this.#draw());
  }
}

/** The id of the device that a call has. */
function usedBy(call: Call, kind: DeviceKind): string {
  if (kind === "speaker") return call.player?.sinkId ?? "";
  return call.stream(kind)?.getTracks()[0]?.getSettings().deviceId ?? "";
}
