// The bar below the stage that plays all videos and sounds together, and its keys.

import { button, element, set } from "./dom.js";

/** What the help says of them. */
export const PLAY_KEYS = [
  ["k", "play all together, or pause"],
  [",  .", "one frame back, one frame on"],
  ["<  >", "slower, faster"],
  ["l", "begin again at the end, or stop there"],
  ["pointer or focus", "only that video or sound is heard"],
];

/** Seconds as players show them, with hundredths: `0:01.29`. */
function clock(seconds) {
  const whole = Math.floor(seconds * 100 + 1e-6);
  const part = (value) => String(value).padStart(2, "0");
  return `${Math.floor(whole / 6000)}:${part(Math.floor(whole / 100) % 60)}.${part(whole % 100)}`;
}

export class PlayBar {
  constructor(viewer) {
    this.viewer = viewer;
    const { playing } = viewer;
    const tool = (content, name, act, more) => button(content, name, (event) => {
      act();
      // As after a click on a tool, the keys belong to the pictures again.
      if (event.detail) viewer.stage.focus();
    }, more);
    this.play = tool("", "", () => playing.toggle(), { class: "toggle" });
    this.slider = element("input", { type: "range", min: 0, step: "any", "aria-label": "Position",
      oninput: () => playing.seek(Number(this.slider.value)),
      onkeydown: (event) => this.move(event) });
    this.time = element("span", { class: "time" });
    this.note = element("span", { class: "note" });
    this.loop = tool([element("span", {}, "Loop"), element("kbd", { "aria-hidden": "true" }, "l")], "Loop (l)",
      () => playing.toggleLoop());
    this.speed = element("span", { class: "speed", role: "status" });
    this.node = element("div", { class: "bar play", role: "group", "aria-label": "Playing" },
      this.play,
      element("span", { class: "set" }, tool("⟨", "One frame back (,)", () => playing.step(-1)),
        tool("⟩", "One frame on (.)", () => playing.step(1))),
      this.slider, this.time, this.loop,
      element("span", { class: "set" }, tool("−", "Slower (<)", () => playing.faster(-1)), this.speed,
        tool("+", "Faster (>)", () => playing.faster(1))),
      this.note);
  }

  /** Arrow keys on the slider go by a frame: in a second of video a browser's own step is none or too much. */
  move(event) {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    this.viewer.playing.step(by);
  }

  draw() {
    const { playing } = this.viewer;
    this.node.hidden = !playing.players.length;
    if (this.node.hidden) return;
    const name = playing.isOn ? "Pause" : "Play";
    this.play.replaceChildren(`${playing.isOn ? "❚❚" : "▶"} ${name}`, element("kbd", { "aria-hidden": "true" }, "k"));
    set(this.play, "aria-label", `${name} (k)`);
    this.play.title = `${name} all together (k)`;
    set(this.loop, "aria-pressed", String(playing.loops));
    this.speed.textContent = `${playing.speed}×`;
    this.note.textContent = this.words();
    this.drawTime();
  }

  /** What of the stage does not play yet, or not now. */
  words() {
    const { originals, playing, previews } = this.viewer;
    const { seen } = playing;
    const isComing = ({ key }) => originals.isComing(key) || previews.isComing(key);
    const waiting = seen.filter(({ cell, media }) => !media && isComing(cell)).length;
    if (waiting) return `${seen.length - waiting} of ${seen.length} are here`;
    if (playing.isOn && playing.isSlow && playing.isLarge) return "small copies play: the originals are too much for this machine now";
    const all = playing.players.filter((each) => each.isSeen).length;
    return all > seen.length ? `${seen.length} of ${all} play at once` : "";
  }

  /** What changes with each frame. */
  drawTime() {
    const { playing } = this.viewer;
    const { position, length, frame } = playing;
    const films = playing.players.some((each) => each.isVideo);
    this.slider.max = length;
    this.slider.value = position;
    const spoken = `${position.toFixed(2)} of ${length.toFixed(2)} seconds${films ? `, frame ${frame + 1}` : ""}`;
    set(this.slider, "aria-valuetext", spoken);
    this.time.textContent = `${clock(position)} / ${clock(length)}${films ? ` · frame ${frame + 1}` : ""}`;
  }
}
