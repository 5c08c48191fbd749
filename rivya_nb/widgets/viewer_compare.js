// Comparing two pictures: the ways to show them, and their differences in words.

import { element, set } from "./dom.js";
import { clamp, take } from "./viewer_zoom.js";

const FLICKER = 600; // ms; slower than three flashes a second, which may harm

export const MODES = [
  ["grid", "Grid"],
  ["one", "Large"],
  ["slider", "Slider"],
  ["flicker", "Flicker"],
  ["difference", "Difference"],
  ["side", "Side by side"],
];
const COMPARING = ["slider", "flicker", "difference", "side"];

/** A is the pinned picture, B the current one. */
export class Comparison {
  constructor(viewer) {
    this.viewer = viewer;
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
  }

  get isOn() {
    return COMPARING.includes(this.viewer.state.mode);
  }

  pair() {
    return [this.viewer.state.pinned ?? this.viewer.cell, this.viewer.cell];
  }

  enter(mode) {
    const changes = { mode, flickers: false, showsB: false };
    if (COMPARING.includes(mode)) Object.assign(changes, this.couple());
    if (mode === "flicker") changes.flickers = !this.calm.matches;
    this.viewer.update(changes);
    this.beat();
  }

  next() {
    this.enter(COMPARING[(COMPARING.indexOf(this.viewer.state.mode) + 1) % COMPARING.length]);
  }

  pin() {
    const { cell, state } = this.viewer;
    if (!cell) return;
    const pinned = state.pinned?.key === cell.key ? null : cell;
    this.viewer.update({ pinned });
    if (!pinned && this.isOn) this.enter("one");
  }

  /** Start a comparison: the current picture becomes A, and the next one B. */
  couple() {
    const { cell, state } = this.viewer;
    if (!cell || (state.pinned && state.pinned.key !== cell.key)) return {};
    const order = this.viewer.order();
    const place = order.indexOf(state.at);
    return { pinned: cell, at: order[place + 1] ?? order[place - 1] ?? state.at };
  }

  /** The first time it flickers by itself (unless the user prefers reduced motion), later one step at a time. */
  flicker() {
    const { state } = this.viewer;
    if (state.mode !== "flicker") return this.enter("flicker");
    this.viewer.update({ flickers: false, showsB: !state.showsB });
    return this.beat();
  }

  beat() {
    const { viewer } = this;
    clearInterval(this.timer);
    if (!viewer.state.flickers) return;
    this.timer = setInterval(() => viewer.update({ showsB: !viewer.state.showsB }), FLICKER);
  }

  /** Update what changes without a redraw: the divider, the visible picture of a flicker, the amplification. */
  draw() {
    const { mode, divider, showsB, gain } = this.viewer.state;
    const { node } = this.viewer.stage;
    node.style.setProperty("--divider", `${divider * 100}%`);
    node.style.setProperty("--gain", gain);
    node.classList.toggle("shows-b", mode === "flicker" && showsB);
    if (mode === "slider" && this.handle) set(this.handle, "aria-valuenow", Math.round(divider * 100));
  }

  dividerHandle() {
    const { viewer } = this;
    const handle = element("div", { class: "divider", role: "slider", tabindex: 0, "aria-label": "Divider between A and B",
      "aria-valuemin": 0, "aria-valuemax": 100 }, element("span", { class: "knob", "aria-hidden": "true" }, "⇔"));
    const follow = (event) => {
      const box = handle.parentElement.getBoundingClientRect();
      viewer.update({ divider: clamp((event.clientX - box.left) / box.width, 0, 1) });
    };
    handle.addEventListener("pointerdown", (event) => {
      event.stopPropagation();
      handle.setPointerCapture(event.pointerId);
    });
    handle.addEventListener("pointermove", (event) => handle.hasPointerCapture(event.pointerId) && follow(event));
    handle.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -0.02, ArrowRight: 0.02, Home: -1, End: 1 }[event.key];
      if (!move || event.shiftKey) return;
      take(event);
      viewer.update({ divider: clamp(viewer.state.divider + move, 0, 1) });
    });
    this.handle = handle;
    return handle;
  }

  gainInput() {
    const { viewer } = this;
    return element("label", { class: "gain" }, "amplified ",
      element("input", { type: "range", min: 1, max: 8, step: 1, value: viewer.state.gain,
        oninput: (event) => viewer.update({ gain: Number(event.target.value) }) }));
  }

  close() {
    clearInterval(this.timer);
  }
}

/** The differences of two pictures, as [name, A's value, B's value], and what they share, in words. */
export function compare(a, b) {
  const [left, right] = [new Map(), new Map()];
  for (const [name, value] of a.facts) left.set(name, value);
  for (const [name, value] of b.facts) right.set(name, value);
  const names = [...new Set([...left.keys(), ...right.keys()])];
  const differs = names
    .filter((name) => left.get(name) !== right.get(name))
    .map((name) => [name, ...changed(left.get(name) ?? "none", right.get(name) ?? "none")]);
  const same = a.facts.filter(([name, value]) => right.get(name) === value).map(([, , words]) => words);
  return { differs, same };
}

/** Long texts without the words that both have at their beginning and end. */
function changed(before, after) {
  const [a, b] = [before.split(" "), after.split(" ")];
  let head = 0;
  while (head < Math.min(a.length, b.length) - 1 && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < Math.min(a.length, b.length) - 1 - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const middle = (words) =>
    [head ? "…" : "", words.slice(head, words.length - tail).join(" "), tail ? "…" : ""].join("");
  return [middle(a), middle(b)];
}
