// What is judged, as elements: pictures, videos that play in step, and sounds that are heard one at a time.

import { element, set } from "./dom.js";

const WORDS = { image: "picture", video: "video", audio: "sound" };
const NUDGE = 0.1; // the most by which a video is played faster or slower to catch up
const FAR = 0.3; // seconds apart, from which on both begin again

/** The word for one of several files: "picture", "video", "sound", or "one" where they differ. */
export function nounOf(media) {
  return new Set(media).size === 1 ? WORDS[media[0]] : "one";
}

/** A file of `{ src, type }` as an element that can be shown at once. */
export async function loaded({ src, type }, side) {
  const [medium] = type.split("/");
  if (medium !== "video" && medium !== "audio") {
    const image = element("img", { alt: `${side} picture`, draggable: false, src });
    await image.decode();
    return { medium: "image", src, node: image };
  }
  const player = element(medium, { preload: "auto", src });
  player.muted = medium === "video";
  player.playsInline = true;
  player.disableRemotePlayback = true;
  await new Promise((done, failed) => {
    player.oncanplaythrough = done;
    player.onerror = () => failed(new Error(`This browser cannot play a ${WORDS[medium]} of this pair; S skips the pair.`));
    player.load();
  });
  player.oncanplaythrough = player.onerror = null;
  if (medium === "audio") return { medium, src, player, node: sound(player, side) };
  set(player, "aria-label", `${side} video`);
  return { medium, src, player, node: player };
}

/** A sound has no face: bars that move while it plays. */
function sound(player, side) {
  const bars = Array.from({ length: 5 }, () => element("i"));
  const node = element("span", { class: "sound", role: "img", "aria-label": `${side} sound` }, ...bars, player);
  const show = () => node.classList.toggle("playing", !player.paused);
  for (const event of ["play", "pause", "ended"]) player.addEventListener(event, show);
  return node;
}

export function release(files) {
  for (const { src, player } of files) {
    player?.pause();
    URL.revokeObjectURL(src);
  }
}

/** Plays the videos of a pair together: from the start, in step, and again as soon as the first of them ends. */
export class InStep {
  constructor(files) {
    this.videos = files.filter((file) => file.medium === "video").map((file) => file.player);
    this.again = () => this.restart();
    for (const video of this.videos) video.addEventListener("ended", this.again);
    this.restart();
    this.tick();
  }

  async restart() {
    if (this.starting) return;
    this.starting = true;
    await Promise.all(this.videos.map(rewound));
    this.starting = false;
    // A page that may not play yet shows the first frames.
    if (!this.closed) for (const video of this.videos) video.play().catch(() => {});
  }

  tick() {
    if (this.closed) return;
    this.frame = requestAnimationFrame(() => this.tick());
    const [first, second] = this.videos;
    if (!second || this.starting) return;
    const apart = first.currentTime - second.currentTime;
    if (Math.abs(apart) > FAR) this.restart();
    else second.playbackRate = 1 + Math.max(-NUDGE, Math.min(NUDGE, 2 * apart));
  }

  close() {
    this.closed = true;
    cancelAnimationFrame(this.frame);
    for (const video of this.videos) {
      video.removeEventListener("ended", this.again);
      video.pause();
    }
  }
}

/** Wait until a video stands at its first frame. */
function rewound(video) {
  video.pause();
  if (video.currentTime === 0 && !video.ended) return null;
  return new Promise((done) => {
    video.addEventListener("seeked", done, { once: true });
    video.currentTime = 0;
  });
}

/** Play or pause one sound; the others of the pair are silent. */
export function hear(files, at) {
  const wanted = files[at]?.medium === "audio" ? files[at].player : null;
  for (const { medium, player } of files) if (medium === "audio" && player !== wanted) player.pause();
  if (!wanted) return;
  if (!wanted.paused) wanted.pause();
  else wanted.play().catch(() => {});
}
