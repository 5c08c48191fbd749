// The viewer's front end: one state, and parts that are redrawn after every change.
//
// The parts are in the files beside this one, and reach each other through the viewer.

import { element, holdsFocus, send } from "./dom.js";
import { keepOutOfSaves } from "./saves.js";
import { Pages, Sheets, Tools } from "./viewer_bars.js";
import { Comparison } from "./viewer_compare.js";
import { Foot, Strip } from "./viewer_foot.js";
import { Kernel } from "./viewer_kernel.js";
import { Cover, Keys } from "./viewer_keys.js";
import { Marks } from "./viewer_marks.js";
import { Files, SmallPictures } from "./viewer_pictures.js";
import { PlayBar } from "./viewer_play_bar.js";
import { Playing } from "./viewer_playing.js";
import { Stage } from "./viewer_stage.js";
import { Gestures, Zoom } from "./viewer_zoom.js";

const BETWEEN_LOOKS = 1000; // milliseconds at least until marks are asked for again

class Viewer {
  constructor(model, host) {
    this.model = model;
    this.state = {
      mode: "grid", sheet: 0, at: 0, pinned: null, hover: null, zoom: 1, x: 0, y: 0,
      divider: 0.5, gain: 2, showsB: false, flickers: false, help: false, info: false, message: "", silent: false,
    };
    this.drawn = {}; // what each part was last drawn from, so that only what changed is made anew
    this.kernel = new Kernel(model, (silent) => silent !== this.state.silent && this.update({ silent }));
    this.originals = new Files(this.kernel, "read", (key) => this.stage.arrived(key));
    this.previews = new Files(this.kernel, "preview", () => this.stage.look());
    this.small = new SmallPictures();
    this.marks = new Marks(this);
    this.zoom = new Zoom(this);
    this.comparison = new Comparison(this);
    this.playing = new Playing(this);
    this.build(host);
    this.listen();
    this.takeScene();
    this.open();
  }

  build(host) {
    this.tools = new Tools(this);
    this.sheets = new Sheets(this);
    this.stage = new Stage(this);
    this.cover = new Cover(this);
    this.playBar = new PlayBar(this);
    this.foot = new Foot(this);
    this.strip = new Strip(this);
    this.pages = new Pages(this);
    const middle = element("div", { class: "middle" }, this.stage.node, this.cover.node);
    const below = [this.playBar, this.foot, this.strip, this.pages].map(({ node }) => node);
    const parts = [this.tools.node, this.sheets.node, middle, ...below];
    const given = { class: "rivya-viewer", role: "application", "aria-label": "Picture viewer", tabindex: 0 };
    this.root = element("div", given, ...parts);
    host.append(this.root);
  }

  listen() {
    this.keys = new Keys(this);
    this.gestures = new Gestures(this);
    this.onScene = () => this.takeScene();
    this.onMarks = () => this.draw();
    this.model.on("change:_scene", this.onScene);
    this.model.on("change:_marks", this.onMarks);
    this.root.addEventListener("pointerenter", () => this.lookAgain());
    this.root.addEventListener("focusin", (event) => this.root.contains(event.relatedTarget) || this.lookAgain());
    for (const change of ["focusin", "focusout"]) this.root.addEventListener(change, () => this.playing.hear());
    this.resized = new ResizeObserver(() => {
      this.zoom.draw();
      this.takeFocus();
    });
    // In full screen, the stage has the height that the other parts leave.
    for (const node of [this.root, this.stage.node]) this.resized.observe(node);
  }

  // Opening and leaving, if it is not a cell's own output

  open() {
    const { mode, job } = this.model.get("_opening");
    const at = this.scene.cells.findIndex((cell) => cell.job === job);
    if (at >= 0) this.update({ at });
    if (mode !== this.state.mode) this.comparison.enter(mode);
  }

  /** Take the keyboard focus if the user has just opened it, unless the focus has moved elsewhere meanwhile. */
  takeFocus() {
    const opening = this.model.get("_opening");
    if (!opening.takes_focus || !this.root.clientWidth) return;
    this.model.set("_opening", { ...opening, takes_focus: false });
    this.model.save_changes();
    const current = document.activeElement;
    if (current === document.body || this.root.closest(".rivya-panel")?.contains(current)) this.stage.focus();
  }

  get canLeave() {
    return Boolean(this.model.get("_opening").can_leave);
  }

  leave() {
    if (!send(this.model, { kind: "leave" })) this.update({ message: "The kernel is gone." });
  }

  // State

  takeScene() {
    const before = this.cell?.key;
    this.scene = this.model.get("_scene");
    const { pinned } = this.state;
    this.state.pinned = this.scene.cells.find((cell) => cell.key === pinned?.key) ?? pinned;
    this.small.take(this.scene.cells, pinned?.key);
    const same = this.scene.cells.findIndex((cell) => cell.key === before);
    const first = this.order(0)[0] ?? 0;
    this.drawn = {};
    this.update({ at: Math.max(same, first), sheet: same < 0 ? 0 : this.state.sheet, hover: null });
  }

  /** The user returns to the viewer: let the kernel check whether another kernel has marked the pictures. */
  lookAgain() {
    if (Date.now() - (this.looked ?? 0) < BETWEEN_LOOKS) return;
    this.looked = Date.now();
    // If the kernel is gone, that is shown when something is asked of it.
    send(this.model, { kind: "look" });
  }

  update(changes) {
    Object.assign(this.state, changes);
    this.draw();
  }

  get cell() {
    return this.scene?.cells[this.state.at];
  }

  /** The cells of a sheet in reading order. A sheet is one page of a third axis. */
  order(sheet = this.state.sheet) {
    return (this.scene.pages[sheet]?.rows ?? []).flat().filter((index) => index !== null);
  }

  draw() {
    this.tools.draw();
    this.sheets.draw();
    this.stage.draw();
    this.comparison.draw();
    this.zoom.draw();
    this.stage.drawMarks();
    this.playBar.draw();
    this.foot.draw();
    this.strip.draw();
    this.pages.draw();
    this.cover.draw();
    this.stage.look();
  }

  /** True if a part must be redrawn because its data have changed. */
  stale(part, ...from) {
    const signature = JSON.stringify(from);
    if (this.drawn[part] === signature) return false;
    this.drawn[part] = signature;
    return true;
  }

  // Moving

  go(index) {
    this.playing.pointed = null;
    this.update({ at: index, hover: null, message: "" });
    if (holdsFocus(this.stage.node)) this.stage.focus();
  }

  step(by) {
    const order = this.order();
    let place = order.indexOf(this.state.at) + by;
    if (this.comparison.isOn && this.scene.cells[order[place]]?.key === this.state.pinned?.key) place += by;
    if (order[place] !== undefined) this.go(order[place]);
    else if (this.scene.more_pages > 1) this.turn(by);
  }

  /** Up and down in the grid; without lines, the same as left and right. */
  stepLine(by) {
    if (this.state.mode !== "grid") return this.step(by);
    const index = this.stage.nextLine(by);
    return index !== undefined && this.go(index);
  }

  /** Show another page of a third axis, at the same place. */
  toSheet(sheet) {
    const { pages } = this.scene;
    if (sheet < 0 || sheet >= pages.length || sheet === this.state.sheet) return;
    const { rows } = pages[this.state.sheet];
    const row = rows.findIndex((cells) => cells.includes(this.state.at));
    const there = pages[sheet].rows[row]?.[rows[row]?.indexOf(this.state.at)];
    this.update({ sheet, at: there ?? this.order(sheet)[0], hover: null });
  }

  /** Show another page of a long history. */
  async turn(by) {
    const page = this.scene.page + by;
    if (this.turning || page < 0 || page >= this.scene.more_pages) return;
    this.turning = true;
    this.update({ message: "Turning the page …" });
    try {
      await this.kernel.ask({ kind: "turn", page });
      this.update({ message: "", at: (by < 0 ? this.order().at(-1) : this.order()[0]) ?? 0 });
    } catch (error) {
      this.update({ message: error.message });
    }
    this.turning = false;
  }

  /** Open or close the help, or all facts about a picture; never both. */
  toggle(name) {
    this.update({ help: false, info: false, [name]: !this.state[name] });
  }

  fullScreen() {
    if (this.root.getRootNode().fullscreenElement === this.root) document.exitFullscreen();
    else this.root.requestFullscreen?.().catch(() => this.update({ message: "Full screen is not allowed here." }));
  }

  close() {
    this.resized.disconnect();
    this.model.off("change:_scene", this.onScene);
    this.model.off("change:_marks", this.onMarks);
    for (const part of [this.playing, this.comparison, this.stage, this.kernel, this.originals, this.previews, this.small]) part.close();
    this.root.remove();
  }
}

export default {
  render({ model, el }) {
    keepOutOfSaves(model.widget_manager);
    const viewer = new Viewer(model, el);
    return () => viewer.close();
  },
};
