// The keys, and the help that lists them.

import { button, element, set } from "./dom.js";
import { FAVOURITE, FAVOURITE_KEY, ratingOf } from "./marks.js";
import { PLAY_KEYS } from "./viewer_play_bar.js";
import { take } from "./viewer_zoom.js";

const PAN = 0.12; // shares of a frame

const HELP = [
  ["← → ↑ ↓", "next one"],
  ["Enter", "large, and back to the grid"],
  ["Esc", "back to the grid, or to where the viewer was opened"],
  ["+  −  z", "zoom, and fit again; all move together"],
  ["Shift + arrows", "pan"],
  ["wheel, drag, pinch", "zoom and pan, once the viewer was clicked"],
  ["Space", "flicker between A and B, then step by step"],
  ["c", "next way to compare"],
  ["p", "pin as A; what you go to is B"],
  ["1 – 5", "rate with stars; 0 takes the rating away"],
  [FAVOURITE_KEY, `${FAVOURITE} favourite, or no longer`],
  ["[  ]", "pages of a third axis"],
  ["PgUp  PgDn", "pages of a long history"],
  ["i", "everything that is known"],
  ["f", "full screen"],
  ["?", "this help"],
];

export class Keys {
  constructor(viewer) {
    this.viewer = viewer;
    viewer.root.addEventListener("keydown", (event) => this.press(event));
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && event.key === "Enter")) return undefined;
    // Unused keys, too: the front end's shortcuts must not act while the viewer has the focus.
    event.stopPropagation();
    const own = event.target.closest("button, input");
    if (own && (["Enter", " "].includes(event.key) || (own.type === "range" && /^(Arrow|Page|Home|End)/.test(event.key)))) {
      return undefined;
    }
    const action = event.shiftKey && event.key.startsWith("Arrow") ? this.panning(event.key) : this.action(event.key);
    if (!action) return undefined;
    take(event);
    return action();
  }

  action(key) {
    const { viewer } = this;
    const { comparison, marks, playing, state, zoom } = viewer;
    const rating = ratingOf(key);
    if (rating !== undefined) return () => marks.rate(rating);
    return {
      ArrowLeft: () => viewer.step(-1),
      ArrowRight: () => viewer.step(1),
      ArrowUp: () => viewer.stepLine(-1),
      ArrowDown: () => viewer.stepLine(1),
      Enter: () => comparison.enter(state.mode === "grid" ? "one" : "grid"),
      Escape: this.escape(),
      "+": () => zoom.in(),
      "=": () => zoom.in(),
      "-": () => zoom.out(),
      z: () => zoom.fit(),
      " ": () => comparison.flicker(),
      c: () => comparison.next(),
      p: () => comparison.pin(),
      [FAVOURITE_KEY]: () => marks.toggleFavourite(),
      k: () => playing.toggle(),
      ",": () => playing.step(-1),
      ".": () => playing.step(1),
      "<": () => playing.faster(-1),
      ">": () => playing.faster(1),
      l: () => playing.toggleLoop(),
      "[": () => viewer.toSheet(state.sheet - 1),
      "]": () => viewer.toSheet(state.sheet + 1),
      PageUp: () => viewer.turn(-1),
      PageDown: () => viewer.turn(1),
      i: () => viewer.toggle("info"),
      f: () => viewer.fullScreen(),
      "?": () => viewer.toggle("help"),
    }[key];
  }

  /** Close what covers the stage, else go back to where it was opened, or to the grid; else the key is not ours. */
  escape() {
    const { viewer } = this;
    const { comparison, state } = viewer;
    if (state.help || state.info) return () => viewer.update({ help: false, info: false });
    if (viewer.canLeave && ["grid", viewer.model.get("_opening").mode].includes(state.mode)) return () => viewer.leave();
    return state.mode === "grid" ? undefined : () => comparison.enter("grid");
  }

  panning(key) {
    const [dx, dy] = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[key];
    return () => this.viewer.zoom.pan(dx * PAN, dy * PAN);
  }
}

/** The panel over the stage: the keys, or all facts about a picture. */
export class Cover {
  constructor(viewer) {
    this.viewer = viewer;
    this.node = element("div", { class: "cover", role: "dialog" });
  }

  draw() {
    const { cell, marks, playing, state } = this.viewer;
    const { help, info } = state;
    this.node.hidden = !help && !info;
    const reason = info && cell ? marks.of(cell).excluded : "";
    if (!this.viewer.stale("cover", help, info, info && cell?.key, reason)) return;
    const title = help ? "Keys" : "Details";
    const keys = playing.players.length ? [...HELP.slice(0, -1), ...PLAY_KEYS, HELP.at(-1)] : HELP;
    const rows = help ? keys : cell ? [...cell.facts, ...cell.asides, ...(reason ? [["excluded", reason]] : [])] : [];
    const table = rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]);
    set(this.node, "aria-label", title);
    this.node.replaceChildren(
      button("✕", "Close", () => this.close(), { class: "close" }),
      element("h4", {}, title),
      element("dl", {}, ...table),
    );
  }

  close() {
    this.viewer.update({ help: false, info: false });
    this.viewer.root.focus({ preventScroll: true });
  }
}
