// The stage: a grid of all pictures, one picture, or two to compare.

import { element, holdsFocus, set } from "./dom.js";
import { badge, excluded, spoken } from "./marks.js";
import { affordable } from "./viewer_pictures.js";
import { clamp } from "./viewer_zoom.js";

const REST = 150; // ms without another zoom after which originals are asked for in the grid

/** The range of ratios of a frame; other pictures are fitted into it. */
const shape = (cell) => clamp(cell.ratio, 0.4, 2.2);

export class Stage {
  constructor(viewer) {
    this.viewer = viewer;
    this.node = element("div", { class: "stage" });
    // {cell, frame, image, player, words, chip, letter, reach}, two of one frame where two are over one another.
    // `reach` is how far a picture moves by the common transform, in shares of its frame.
    this.tiles = [];
  }

  /** The scene's cell that a frame shows, null for none. */
  indexOf(frame) {
    const tile = frame && this.tiles.find((each) => each.frame === frame);
    return tile ? this.viewer.scene.cells.indexOf(tile.cell) : null;
  }

  draw() {
    const { playing, state } = this.viewer;
    const { mode, sheet, at, pinned } = state;
    let refocus = false;
    if (this.viewer.stale("stage", mode, sheet, mode === "grid" ? null : [at, pinned?.key])) {
      refocus = holdsFocus(this.node);
      this.tiles = [];
      playing.begin();
      const content = this.content(mode);
      this.node.className = `stage ${mode}`;
      this.node.replaceChildren(...content);
      playing.settle(this.tiles);
    }
    for (const { cell, frame } of this.tiles) {
      const here = cell === this.viewer.cell;
      const inGrid = mode === "grid";
      frame.classList.toggle("at", here && inGrid);
      frame.classList.toggle("b", here && inGrid && pinned !== null);
      frame.classList.toggle("pinned", cell.key === pinned?.key && inGrid);
      if (inGrid) set(frame, "aria-selected", String(here));
      frame.tabIndex = here || !inGrid ? 0 : -1;
    }
    if (refocus) this.focus();
  }

  content(mode) {
    const { comparison } = this.viewer;
    const [a, b] = comparison.pair();
    if (mode === "grid") return this.grid();
    if (!b) return [];
    if (mode === "one") return [this.tile([b], "")];
    if (mode === "side") return [this.tile([a], "A"), this.tile([b], "B")];
    const frame = this.tile([b, a], "AB");
    if (mode === "slider") frame.append(comparison.dividerHandle());
    return mode === "difference" ? [frame, comparison.gainInput()] : [frame];
  }

  grid() {
    const { scene, state } = this.viewer;
    if (!scene.pages[state.sheet]) return [];
    return [scene.wraps ? this.lines() : this.table(scene.pages[state.sheet].rows)];
  }

  /** Frames of one shape, so that the lines are even. */
  lines() {
    const order = this.viewer.order();
    const ratio = Math.max(...order.map((index) => shape(this.viewer.scene.cells[index])));
    const tiles = order.map((index) => this.gridTile(index));
    for (const frame of tiles) frame.style.aspectRatio = String(ratio);
    const cells = this.cells(element("div", { role: "row" }, ...tiles));
    cells.style.gridTemplateColumns = `repeat(auto-fit, minmax(min(100%, ${Math.round(ratio * 150)}px), 1fr))`;
    cells.style.maxWidth = `${order.length * ratio * 320}px`;
    return cells;
  }

  /** Rows and columns with their labels. */
  table(rows) {
    const { scene } = this.viewer;
    const ratios = rows[0].map((_, column) =>
      Math.max(...rows.map((row) => (row[column] === null ? 0.4 : scene.cells[row[column]].ratio))));
    const label = (text, role) => element("div", { class: "label", role, title: text }, text);
    const head = element("div", { role: "row" }, element("div", { role: "cell" }),
      ...scene.columns.map((text) => label(text, "columnheader")));
    const lines = rows.map((row, place) =>
      element("div", { role: "row" }, label(scene.rows[place] ?? "", "rowheader"), ...row.map((index) =>
        (index === null ? element("div", { class: "hole", role: "gridcell" }) : this.gridTile(index)))));
    const cells = this.cells(...(scene.columns.length ? [head] : []), ...lines);
    const tracks = ratios.map((ratio) => `minmax(${Math.round(80 * Math.sqrt(Math.max(1, ratio)))}px, ${ratio}fr)`);
    cells.style.gridTemplateColumns = `fit-content(20%) ${tracks.join(" ")}`;
    // All rows at once if they do not become too small; else the stage scrolls.
    const height = clamp(610 / rows.length, 150, 340);
    cells.style.maxWidth = `${ratios.reduce((sum, ratio) => sum + ratio * height, 120)}px`;
    return cells;
  }

  cells(...rows) {
    return element("div", { class: "cells", role: "grid", "aria-label": this.viewer.scene.title }, ...rows);
  }

  gridTile(index) {
    const cell = this.viewer.scene.cells[index];
    const frame = this.tile([cell], "", "gridcell");
    frame.style.aspectRatio = String(shape(cell));
    return frame;
  }

  /** A frame with one picture, or with A over B. Every picture in it has the common transform. */
  tile(cells, letters, role = "group") {
    const layers = element("div", { class: "layers" });
    const frame = element("div", { class: "frame", role, tabindex: -1 }, layers);
    for (const [index, cell] of cells.entries()) {
      const image = element("img", { alt: cell.alt, draggable: false });
      const player = this.viewer.playing.player(cell);
      frame.classList.toggle("plays", player !== null);
      const words = element("div", { class: "words" });
      const chip = element("div", { class: index ? "chip left" : letters === "AB" ? "chip right" : "chip" });
      const letter = letters === "AB" ? (index ? "A" : "B") : letters;
      layers.append(element("div", { class: index ? "layer over" : "layer under" }, image, player?.node ?? "", words));
      frame.append(chip);
      const tile = { cell, frame, image, player, words, chip, letter, reach: [1, 1] };
      this.tiles.push(tile);
      this.showPicture(tile);
    }
    return frame;
  }

  /** The original if it is loaded and can be shown, else the small picture, else words. Of what plays, the small
   * picture lies below. */
  showPicture({ cell, image, player, words }) {
    const { originals, playing, small } = this.viewer;
    const original = player || originals.troubles.has(cell.key) ? null : originals.url(cell.key);
    const url = cell.has_picture ? original ?? small.url(cell.key) : null; // It may have been deleted.
    if (image.getAttribute("src") !== url) set(image, "src", url);
    image.hidden = url === null;
    const trouble = originals.troubles.get(cell.key);
    if (player?.media) words.textContent = trouble && playing.isClose ? `${trouble} A small copy plays.` : "";
    else words.textContent = trouble ?? (url ? "" : cell.words);
    image.parentElement?.classList.toggle("moving", Boolean(player?.media && player.isVideo && playing.showsFrames));
  }

  showKey(key) {
    for (const tile of this.tiles) if (tile.cell.key === key) this.showPicture(tile);
  }

  async arrived(key) {
    const { originals, zoom } = this.viewer;
    const url = originals.url(key);
    const isMoving = this.tiles.some(({ cell, player }) => player && cell.key === key);
    if (isMoving) this.look();
    else if (url) {
      // Decoded before it replaces the small picture, so that the frame is never empty.
      const image = new Image();
      image.src = url;
      await image.decode().catch(() => originals.troubles.set(key, "The browser cannot show the original."));
    }
    this.showKey(key);
    zoom.draw();
  }

  drawMarks() {
    const { viewer } = this;
    const [a, b] = viewer.comparison.pair();
    const isOver = this.tiles.length > 1 && this.tiles[0].frame === this.tiles[1].frame;
    for (const { cell, frame, chip, letter } of this.tiles) {
      const marks = viewer.marks.of(cell);
      const label = viewer.state.mode === "grid" && !viewer.scene.wraps ? "" : cell.label;
      const text = [letter, label].filter(Boolean).join(" · ");
      chip.textContent = [text, badge(marks), excluded(marks)].filter(Boolean).join(" ");
      chip.hidden = !chip.textContent;
      const name = isOver
        ? `A: ${a.label}, B: ${b.label}`
        : [letter, cell.label, spoken(marks)].filter(Boolean).join(", ");
      set(frame, "aria-label", name);
    }
  }

  /** Request the files that are shown now. */
  look() {
    const { originals, playing, previews, state } = this.viewer;
    clearTimeout(this.timer);
    const [small, whole] = playing.look();
    previews.wish(small);
    for (const tile of this.tiles) if (tile.player) this.showPicture(tile);
    // In the grid only if the small pictures are too small, and when the zoom has stopped.
    if (state.mode === "grid") this.timer = setTimeout(() => originals.wish(affordable([...this.blurred(), ...whole])), REST);
    else originals.wish(this.tiles.map(({ cell }) => cell).filter((cell) => cell.has_picture));
  }

  /** The cells of the visible pictures that are shown larger than their small pictures, the current one first. */
  blurred() {
    const { state, cell: current } = this.viewer;
    const box = this.node.getBoundingClientRect();
    return this.tiles
      .filter(({ cell, frame, player }) => {
        const { top, bottom } = frame.getBoundingClientRect();
        const needed = frame.clientWidth * state.zoom * devicePixelRatio;
        return cell.has_picture && !player && state.zoom > 1 && needed > cell.small_width * 1.25 &&
          bottom > box.top && top < box.bottom;
      })
      .map(({ cell }) => cell)
      .sort((a, b) => (b === current) - (a === current));
  }

  /** Focus the current picture, and scroll the stage to it. */
  focus() {
    const tile = this.tiles.find((each) => each.frame.tabIndex === 0);
    (tile?.frame ?? this.viewer.root).focus({ preventScroll: true });
    if (!tile || this.viewer.state.mode !== "grid") return;
    const [box, view] = [tile.frame.getBoundingClientRect(), this.node.getBoundingClientRect()];
    if (box.top < view.top) this.node.scrollTop += box.top - view.top - 8;
    if (box.bottom > view.bottom) this.node.scrollTop += box.bottom - view.bottom + 8;
  }

  /** The nearest cell in the next line with cells, below or above; undefined if there is none. */
  nextLine(by) {
    const box = (tile) => tile.frame.getBoundingClientRect();
    const current = this.tiles.find((tile) => tile.cell === this.viewer.cell);
    if (!current) return undefined;
    const here = box(current);
    const far = (tile) => Math.abs(box(tile).left - here.left) + 10 * Math.abs(box(tile).top - here.top);
    const beyond = this.tiles.filter((tile) => (box(tile).top - here.top) * by > 4);
    const [nearest] = beyond.sort((a, b) => far(a) - far(b));
    return nearest && this.viewer.scene.cells.indexOf(nearest.cell);
  }

  close() {
    clearTimeout(this.timer);
  }
}
