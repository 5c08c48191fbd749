// A video or a sound at its place on the stage.

import { element } from "./dom.js";

const TOLERATED = 0.012; // seconds that one may be behind or before the others
const NUDGE = 0.08; // by how much faster or slower it plays until it is there
export const APART = 0.04; // seconds: about one frame
const BRAKING = 0.1; // seconds: the further before them, the slower it plays, down to a tenth
export const LOST = 0.35; // seconds after which playing slower would take too long, and that the screen may be behind
const PATIENCE = 3000; // milliseconds for a frame that may never be shown: the others must not wait for ever
const FIRST_FRAME = 10_000; // milliseconds; what was there before stays to be seen meanwhile
const DAMAGED = "It cannot be played: the file is damaged.";
const END = 0.001; // seconds: at its very end a video begins anew when it is played

/** The first of these events; null after so many milliseconds, if that is given. */
const once = (media, names, patience) =>
  new Promise((resolve) => {
    const timer = patience && setTimeout(() => resolve(null), patience);
    const told = (event) => {
      clearTimeout(timer);
      for (const name of names) media.removeEventListener(name, told);
      resolve(event.type);
    };
    for (const name of names) media.addEventListener(name, told);
  });

function free(media) {
  if (!media) return;
  media.remove();
  media.pause();
  // Without this its bytes and its decoder stay for as long as nobody collects it.
  media.removeAttribute("src");
  media.load();
}

export class Player {
  constructor(viewer, cell) {
    this.viewer = viewer;
    this.cell = cell;
    this.node = element("div", { class: "player" });
    this.frame = null; // the frame it is in
    this.isSeen = false;
    this.media = null; // the element that plays, once it shows something
    this.url = null; // what it plays, or will
    this.shown = null; // the place of the frame on the screen, in seconds, where a browser tells it
    this.nudge = 0;
    this.still = null; // a canvas that lies over it while it is sought
  }

  get isVideo() {
    return this.cell.medium === "video";
  }

  get seconds() {
    const told = this.media?.duration;
    return this.cell.seconds || (Number.isFinite(told) ? told : 0);
  }

  /** Note which frame is really on the screen. */
  note(media) {
    media.requestVideoFrameCallback?.((_, { mediaTime }) => {
      this.shown = mediaTime;
      if (this.media === media) this.note(media);
    });
  }

  /** True if the screen is far behind the clock: the machine is too slow. */
  lags(position) {
    return this.shown !== null && !this.isOver(position) && position - this.shown > LOST * Math.max(1, this.viewer.playing.speed);
  }

  /** Whether it is behind its end at a position of the common clock. */
  isOver(position) {
    return position >= this.media.duration - END;
  }

  /** Play the best file that has arrived, or none. */
  take(url) {
    if (url === this.url) return;
    this.url = url;
    if (url) this.load(url);
    else this.release();
  }

  async load(url) {
    const { playing } = this.viewer;
    const media = element(this.isVideo ? "video" : "audio",
      { src: url, muted: true, preload: "auto", playsInline: true, "aria-label": this.cell.alt });
    // Above the one that plays meanwhile, and nothing to be seen before it has a frame.
    this.node.append(media);
    const framed = new Promise((resolve) => media.requestVideoFrameCallback?.(() => resolve("framed")));
    // It is "emptied" where it is given up before it has a frame.
    let told = await once(media, ["loadeddata", "error", "emptied"]);
    if (told === "loadeddata" && this.url === url) {
      const failed = once(media, ["error", "emptied"], FIRST_FRAME);
      await this.seek(playing.ahead, media);
      // A file that is cut before its first frame has all data that it will ever have.
      if (media.requestVideoFrameCallback && !document.hidden) told = await Promise.race([framed, failed]);
    }
    if (this.url !== url) return free(media);
    if (told !== "loadeddata" && told !== "framed") {
      const isForeign = media.error?.code === MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED;
      this.url = this.media?.src ?? null;
      free(media);
      return playing.refused(this.cell, url, isForeign ? null : DAMAGED);
    }
    media.addEventListener("error", () => this.media === media && this.fail(url));
    free(this.media);
    this.media = media;
    this.shown = null;
    this.note(media);
    return playing.joined(this);
  }

  /** It cannot be played further: the others must not wait for it. */
  fail(url) {
    const at = this.media.currentTime;
    this.release();
    this.viewer.playing.refused(this.cell, url, at > 0.1 ? `It cannot be played beyond ${at.toFixed(1)} s: the file is damaged.` : DAMAGED);
  }

  /** Show the frame at `position`; resolves once it is shown. A shorter one shows its last frame. */
  async seek(position, media = this.media) {
    const end = Number.isFinite(media.duration) ? media.duration - END : position;
    const to = Math.max(0, Math.min(position, end));
    if (!media.seeking && Math.abs(media.currentTime - to) < END / 2) return;
    const done = once(media, ["seeked", "error", "emptied"], PATIENCE);
    media.currentTime = to;
    await done;
  }

  /** Let the frame that is on the screen stay there, whatever the video shows meanwhile. */
  cover() {
    const { media } = this;
    if (this.still || !this.isVideo || media.readyState < media.HAVE_CURRENT_DATA) return;
    const width = Math.min(media.videoWidth, Math.ceil(this.node.clientWidth * this.viewer.state.zoom * devicePixelRatio)) || 1;
    const height = Math.round((width * media.videoHeight) / media.videoWidth) || 1;
    this.still = element("canvas", { width, height });
    this.still.getContext("2d").drawImage(media, 0, 0, width, height);
    this.node.append(this.still);
  }

  uncover() {
    this.still?.remove();
    this.still = null;
  }

  start(position, speed) {
    this.nudge = 0;
    this.media.playbackRate = speed;
    // At its end it would begin anew.
    if (!this.isOver(position)) this.media.play().catch(() => {}); // paused again, before it has begun
  }

  /** By how many seconds it is behind a position while it plays; negative if it is before that. */
  late(position) {
    const { media } = this;
    return media.seeking || media.paused || this.isOver(position) ? 0 : position - media.currentTime;
  }

  /** Stay with the common clock: a little faster where it is late, slower where it is early. */
  follow(position, speed) {
    const { media } = this;
    const late = this.late(position) / speed;
    if (late < -APART) this.nudge = Math.max(late / BRAKING, -0.9);
    else if (Math.abs(late) > TOLERATED) this.nudge = Math.sign(late) * NUDGE;
    else if (late * this.nudge <= 0) this.nudge = 0; // it has just passed the clock
    const rate = speed * (1 + this.nudge);
    if (media.playbackRate !== rate) media.playbackRate = rate;
  }

  /** Give up what it plays; its poster stays. */
  release() {
    this.url = null;
    free(this.media);
    this.media = this.still = null;
    this.node.replaceChildren();
  }
}
