// The common transform of all pictures, changed by the wheel, the mouse and fingers.

import { holdsFocus } from "./dom.js";

const MOST_ZOOM = 32;
const ZOOM_STEP = 1.25;
const PIXELS_FROM = 4; // from this enlargement on one sees single pixels, not a blur

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

export function take(event) {
  event.preventDefault();
  event.stopPropagation();
}

export class Zoom {
  constructor(viewer) {
    this.viewer = viewer;
  }

  in() {
    this.by(ZOOM_STEP);
  }

  out() {
    this.by(1 / ZOOM_STEP);
  }

  fit() {
    this.moveTo(1, 0, 0);
  }

  /** Zoom around a point (in shares of a frame, from its middle). */
  by(factor, [px, py] = [0, 0]) {
    const { zoom, x, y } = this.viewer.state;
    const next = clamp(zoom * factor, 1, MOST_ZOOM);
    const scale = next / zoom;
    this.moveTo(next, px - (px - x) * scale, py - (py - y) * scale);
  }

  pan(dx, dy) {
    const { zoom, x, y } = this.viewer.state;
    this.moveTo(zoom, x + dx, y + dy);
  }

  moveTo(zoom, x, y) {
    const most = (zoom - 1) / 2;
    Object.assign(this.viewer.state, { zoom, x: clamp(x, -most, most), y: clamp(y, -most, most) });
    this.draw();
    this.viewer.stage.look();
  }

  /** In shares of a frame, so that cells of any size show the same part. */
  draw() {
    const { zoom, x, y } = this.viewer.state;
    const { node } = this.viewer.stage;
    this.align();
    node.style.setProperty("--zoom", zoom);
    node.style.setProperty("--x", `${x * 100}%`);
    node.style.setProperty("--y", `${y * 100}%`);
    node.classList.toggle("zoomed", zoom > 1);
    const scale = this.scale();
    node.classList.toggle("pixels", scale >= PIXELS_FROM);
    this.viewer.tools.sayZoom(scale);
  }

  /** Screen pixels for one pixel of the current original. */
  scale() {
    const { stage, cell, state } = this.viewer;
    const tile = stage.tiles.find((each) => each.cell === cell);
    if (!tile) return 0;
    return this.fitted(tile) * state.zoom * devicePixelRatio;
  }

  /** CSS pixels for one pixel of a tile's original before any zoom; side by side the same for both; 0 if it is not known. */
  fitted(tile) {
    const { stage, state } = this.viewer;
    const fit = ({ cell, frame }) =>
      (cell.width && cell.height ? Math.min(frame.clientWidth / cell.width, frame.clientHeight / cell.height) : 0);
    return state.mode === "side" ? Math.min(...stage.tiles.map(fit)) : fit(tile);
  }

  /** Side by side, each picture has the size of the common scale, and moves in shares of itself. */
  align() {
    const { stage, state } = this.viewer;
    for (const tile of state.mode === "side" ? stage.tiles : []) {
      const { cell, frame, image, player } = tile;
      const scale = this.fitted(tile);
      if (!scale) return;
      const [wide, high] = [cell.width * scale, cell.height * scale];
      for (const node of [image, player?.node]) {
        if (node) Object.assign(node.style, { width: `${wide}px`, height: `${high}px` });
      }
      tile.reach = [wide / frame.clientWidth, high / frame.clientHeight];
    }
  }
}

/** Handles the mouse, a pen and fingers on the stage. */
export class Gestures {
  constructor(viewer) {
    this.viewer = viewer;
    this.pointers = new Map(); // pressed pointers by id
    const { node } = viewer.stage;
    // Only after a click into the viewer, or for a trackpad's pinch: otherwise the notebook must scroll.
    node.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    node.addEventListener("pointerdown", (event) => this.press(event));
    node.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of ["pointerup", "pointercancel"]) node.addEventListener(end, (event) => this.release(event));
    node.addEventListener("pointerleave", () => this.leave());
    node.addEventListener("dblclick", (event) => this.doubled(event));
  }

  /** The place of an event in its frame, from the middle, in shares of the frame. */
  place(event, frame) {
    const box = frame.getBoundingClientRect();
    return this.shares(frame, event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2);
  }

  /** CSS pixels of a frame as the shares that move its picture by so many. */
  shares(frame, x, y) {
    const tile = this.viewer.stage.tiles.find((each) => each.frame === frame); // It may have gone in the middle of a drag.
    const [wide, high] = tile?.reach ?? [1, 1];
    return [x / frame.clientWidth / wide, y / frame.clientHeight / high];
  }

  wheel(event) {
    const frame = event.target.closest(".frame");
    if (!frame || !(event.ctrlKey || holdsFocus(this.viewer.root))) return;
    take(event);
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    const factor = Math.exp(-clamp(pixels, -200, 200) * (event.ctrlKey ? 0.01 : 0.002));
    this.viewer.zoom.by(factor, this.place(event, frame));
  }

  press(event) {
    const frame = event.target.closest(".frame");
    if (!frame || event.button) return;
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.pressed = { frame, moved: false };
    this.viewer.stage.node.setPointerCapture(event.pointerId);
    frame.focus({ preventScroll: true });
  }

  drag(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return this.hover(event);
    const { frame } = this.pressed;
    const now = { x: event.clientX, y: event.clientY };
    const [dx, dy] = [now.x - before.x, now.y - before.y];
    if (!this.pressed.moved && Math.hypot(dx, dy) < 4) return undefined;
    this.pressed.moved = true;
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const spread = (point) => Math.hypot(point.x - other.x, point.y - other.y);
      const middle = { clientX: (now.x + other.x) / 2, clientY: (now.y + other.y) / 2 };
      this.viewer.zoom.by(spread(now) / Math.max(1, spread(before)), this.place(middle, frame));
    } else {
      this.viewer.zoom.pan(...this.shares(frame, dx, dy));
    }
    return this.pointers.set(event.pointerId, now);
  }

  leave() {
    const { viewer } = this;
    viewer.playing.point(null);
    if (viewer.state.hover !== null) viewer.update({ hover: null });
  }

  hover(event) {
    const { viewer } = this;
    viewer.playing.point(event);
    const index = viewer.state.mode === "grid" ? viewer.stage.indexOf(event.target.closest?.(".frame")) : null;
    if (index === viewer.state.hover) return;
    viewer.state.hover = index;
    viewer.foot.draw();
  }

  release(event) {
    const { viewer } = this;
    const known = this.pointers.delete(event.pointerId);
    if (!known || this.pressed.moved || viewer.state.mode !== "grid" || event.type === "pointercancel") return;
    const index = viewer.stage.indexOf(this.pressed.frame);
    if (index !== null) viewer.go(index);
  }

  /** Enlarge a picture of the grid; switch a large one between fitting and its own pixels. */
  doubled(event) {
    if (!this.pressed || this.pressed.moved) return;
    const { state, zoom, comparison } = this.viewer;
    const scale = zoom.scale();
    if (state.mode === "grid") comparison.enter("one");
    else if (state.zoom > 1) zoom.fit();
    else if (scale > 0) zoom.by(Math.max(2, 1 / scale), this.place(event, this.pressed.frame));
  }
}
