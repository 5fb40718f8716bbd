/**
 * Lets several media be played as one.
 *
 * @module
 */

/** How far one may be from the other, in seconds: of speech nobody hears less. */
const MAX_DRIFT = 0.08;

/** Lets `others` do what `leader` does, which has the buttons. */
export function playTogether(leader: HTMLMediaElement, others: readonly HTMLMediaElement[]): void {
  const on = (types: readonly string[], act: (other: HTMLMediaElement) => unknown) => {
    for (const type of types) leader.addEventListener(type, () => others.forEach((other) => void act(other)));
  };
  const align = (other: HTMLMediaElement) => {
    if (Math.abs(other.currentTime - leader.currentTime) > MAX_DRIFT) other.currentTime = leader.currentTime;
  };
  // One that has ended already has nothing to say.
  on(["play", "playing"], (other) => {
    align(other);
    return other.play().catch(() => {});
  });
  on(["pause", "waiting", "ended"], (other) => other.pause());
  on(["seeking", "seeked", "timeupdate"], align);
  on(["ratechange"], (other) => other.playbackRate = leader.playbackRate);
  on(["volumechange"], (other) => {
    other.volume = leader.volume;
    other.muted = leader.muted;
  });
}
