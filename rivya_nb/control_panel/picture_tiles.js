// The small pictures of one tab, in a row that wraps or in rows and columns with headings, and the keys that walk over
// them.

import { button, element, set } from "../widgets/dom.js";
import { FAVOURITE_KEY, ratingOf } from "../widgets/marks.js";

/** What a dragged picture is to the strip of references: a list of jobs as JSON. */
export const PICTURES = "text/x-rivya-pictures";

const KEYS = "Click: look closely. R: use its settings. U: use it as a reference. X: choose. 0 to 5: rate. H: favourite.";

export class Tiles {
  constructor(tab) {
    this.tab = tab;
    this.items = [];
    this.nodes = []; // the tile of each item
    this.tiles = new Map(); // by what a tile shows: {node, address}
    this.current = 0;
    const given = { role: "group", "aria-label": `Results of ${tab.name}`, tabIndex: -1 };
    this.node = element("div", given);
    this.node.className = "rivya-tiles";
    this.node.addEventListener("keydown", (event) => this.press(event));
  }

  /** The job of the picture that has the focus. */
  get held() {
    return this.node.contains(document.activeElement) ? this.items[this.current]?.job : undefined;
  }

  /** The places whose pictures are here, and need not be sent again. */
  get pictured() {
    return this.items.filter((item) => this.tiles.get(this.signature(item))?.address).map(({ key }) => key);
  }

  signature({ key, name, trouble }) {
    return JSON.stringify([key, name, trouble]);
  }

  canTake(items) {
    return items.every((item) => !item.is_kept || this.tiles.has(this.signature(item)));
  }

  forget() {
    this.items = [];
  }

  /** Show these in the place of others; `buffers` are the bytes of the pictures that are new. What stays neither
   * flickers nor loses the focus. */
  take(items, buffers, layout) {
    const focused = this.node.contains(document.activeElement);
    const { held } = this;
    const before = this.tiles;
    this.tiles = new Map();
    for (const item of items) {
      const signature = this.signature(item);
      this.tiles.set(signature, before.get(signature) ?? this.tile(item, buffers));
      before.delete(signature);
    }
    this.items = items;
    this.nodes = items.map((item) => this.tiles.get(this.signature(item)).node);
    const same = items.findIndex(({ job }) => job === held);
    this.current = Math.max(0, same < 0 ? Math.min(this.current, items.length - 1) : same);
    for (const tile of before.values()) this.drop(tile);
    this.lay(layout);
    const isLost = focused && !this.node.contains(document.activeElement);
    this.focusOn(this.current, isLost, { preventScroll: true });
    // Nothing is left that a key could mean: in a field the next one would be written.
    if (isLost && !items.length) this.node.focus();
  }

  /** Put the tiles in their places; those that are there already do not move: they would lose the focus. */
  lay(layout) {
    const isLaidOut = Boolean(layout) && !layout.wraps;
    this.node.classList.toggle("rivya-laid-out", isLaidOut);
    if (!isLaidOut) this.place(this.nodes.length ? this.nodes : [this.none()]);
    else {
      const form = JSON.stringify(layout);
      if (this.form !== form) {
        this.slots = [];
        this.place(layout.pages.map((page) => this.sheet(layout, page)));
      }
      this.nodes.forEach((node, at) => {
        const slot = this.slots[at];
        if (slot.firstChild !== node) slot.replaceChildren(node);
      });
      this.form = form;
    }
    if (!isLaidOut) this.form = undefined;
  }

  place(wanted) {
    for (const node of [...this.node.children]) if (!wanted.includes(node)) node.remove();
    wanted.forEach((node, at) => {
      if (this.node.children[at] !== node) this.node.insertBefore(node, this.node.children[at] ?? null);
    });
  }

  /** A page of rows and columns with their headings; its tiles go into `slots`, by the places of their items. */
  sheet({ rows, columns }, page) {
    const heading = (role) => ([text, full]) => element("div", { class: "rivya-heading", role, title: full }, element("bdi", {}, text));
    const line = (...cells) => element("div", { class: "rivya-line", role: "row" }, ...cells);
    const slot = (index) => {
      const none = index === null ? element("span", { class: "rivya-quiet" }, "not asked") : "";
      const made = element("div", { class: "rivya-slot", role: "cell" }, none);
      if (index !== null) this.slots[index] = made;
      return made;
    };
    const corner = rows.length ? element("div", { role: "cell" }) : "";
    const lines = page.rows.map((row, at) => line(rows.length ? heading("rowheader")(rows[at]) : "", ...row.map(slot)));
    const head = columns.length ? line(corner, ...columns.map(heading("columnheader"))) : "";
    const grid = element("div", { class: "rivya-sheet", role: "table" }, head, ...lines);
    const wide = Math.max(...page.rows.map((row) => row.length));
    grid.style.gridTemplateColumns = `${rows.length ? "fit-content(180px) " : ""}repeat(${wide}, minmax(96px, 240px))`;
    const caption = page.caption ? element("div", { class: "rivya-heading" }, page.caption) : "";
    return element("div", { class: "rivya-page" }, caption, grid);
  }

  drop({ address }) {
    if (address) URL.revokeObjectURL(address);
  }

  none() {
    const words = this.tab.filters?.areSet
      ? "Nothing in the history is like that"
      : this.tab.filters ? "What is generated is kept here" : "Nothing is here";
    return element("span", { class: "rivya-none" }, words);
  }

  tile(item, buffers) {
    const { tab } = this;
    const address = item.picture === null
      ? null
      : URL.createObjectURL(new Blob([buffers[item.picture]], { type: "image/webp" }));
    const picture = address === null
      ? element("span", { class: "rivya-gone" }, item.trouble)
      : element("img", { src: address, alt: item.name, draggable: false }); // Dragged, it would be its small copy.
    const main = button(picture, item.name, () => tab.look(item), {
      class: "rivya-main", tabIndex: -1, title: `${item.name}\n${KEYS}`,
    });
    const node = element("div", { class: "rivya-tile" }, element("div", { class: "rivya-frame" }, main));
    node.firstChild.style.setProperty("--rivya-ratio", item.ratio);
    if (item.is_pictured) {
      const box = element("input", { type: "checkbox", tabIndex: -1, "aria-label": `Choose ${item.name}`,
        onchange: () => tab.choose(item, box.checked) });
      const recall = button("↺", `Use the settings of ${item.name}`, () => tab.act("recall", [item.job]),
        { class: "rivya-recall", tabIndex: -1, title: "Use its settings (R)" });
      node.firstChild.append(box, recall);
      node.draggable = true;
      node.addEventListener("dragstart", (event) => this.drag(event, item));
    }
    node.addEventListener("focusin", () => this.focusOn(this.nodes.indexOf(node), false));
    return { node, address };
  }

  /** A picture that is chosen takes the others with it. */
  drag(event, item) {
    const jobs = this.tab.chosen.has(item) ? [...this.tab.chosen.jobs] : [item.job];
    event.dataTransfer.setData(PICTURES, JSON.stringify(jobs));
    event.dataTransfer.effectAllowed = "copy";
  }

  drawChosen() {
    for (const [at, item] of this.items.entries()) {
      const node = this.nodes[at];
      const isChosen = this.tab.chosen.has(item);
      node.classList.toggle("rivya-chosen", isChosen);
      const box = node.querySelector("input");
      if (box) box.checked = isChosen;
      node.querySelector(".rivya-marks")?.remove();
      if (item.marks) node.firstChild.append(element("span", { class: "rivya-marks" }, item.marks));
      node.querySelector(".rivya-caption")?.remove();
      if (item.label) node.append(element("div", { class: "rivya-caption", title: item.label }, element("bdi", {}, item.label)));
      // Heard where the focus is; the box beside it is for the mouse.
      set(node.querySelector(".rivya-main"), "aria-label", isChosen ? `chosen: ${item.name}` : item.name);
    }
  }

  focusOn(at, move, how = {}) {
    if (!this.nodes.length) return;
    this.current = Math.max(0, Math.min(this.nodes.length - 1, at));
    const mains = this.nodes.map((node) => node.querySelector(".rivya-main"));
    for (const [index, each] of mains.entries()) each.tabIndex = index === this.current ? 0 : -1;
    if (move) mains[this.current].focus(how);
  }

  /** The place of the nearest picture above (-1) or below (1); the current one where there is none. */
  line(direction) {
    const boxes = this.nodes.map((node) => node.getBoundingClientRect());
    const here = boxes[this.current];
    const middle = ({ left, right }) => (left + right) / 2;
    const far = (box) => [Math.abs(box.top - here.top), Math.abs(middle(box) - middle(here))];
    return boxes
      .map((box, at) => ({ at, box, far: far(box) }))
      .filter(({ box }) => direction * (box.top - here.top) > here.height / 2)
      .sort((a, b) => a.far[0] - b.far[0] || a.far[1] - b.far[1])[0]?.at ?? this.current;
  }

  /** The place that a key leads to, undefined for one that leads nowhere. */
  target(key) {
    const { current } = this;
    if (key === "ArrowUp" || key === "ArrowDown") return this.line(key === "ArrowUp" ? -1 : 1);
    return { ArrowRight: current + 1, ArrowLeft: current - 1, Home: 0, End: this.items.length - 1 }[key];
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { tab } = this;
    // While another page is on its way, a key is not meant for what is still shown.
    const item = tab.isTurning ? undefined : this.items[this.current];
    const { key } = event;
    const target = this.items.length ? this.target(key) : undefined;
    if (target !== undefined) this.focusOn(target, true);
    else if (key === "PageDown") tab.turn(1);
    else if (key === "PageUp") tab.turn(-1);
    else if (!item || !this.mean(item, key)) return;
    // The panel says so when the kernel does not answer, as after a click.
    if (target === undefined) this.node.dispatchEvent(new CustomEvent("rivya-asked", { bubbles: true }));
    event.preventDefault();
    event.stopPropagation();
  }

  /** Do what a key means for a picture; whether it means anything. */
  mean(item, key) {
    const { tab } = this;
    if (key === "v") tab.look(item);
    else if (!item.is_pictured) return false;
    else if (key === "x") tab.choose(item, !tab.chosen.has(item));
    else if (key === "r") tab.act("recall", [item.job]);
    else if (key === "u") tab.act("reference", [item.job]);
    else if (key === FAVOURITE_KEY) tab.act("favourite", [item.job]);
    else if (ratingOf(key) !== undefined) tab.act("rate", [item.job], { rating: ratingOf(key) });
    else return false;
    return true;
  }

  /** Give the pictures up that the browser holds. */
  close() {
    for (const tile of this.tiles.values()) this.drop(tile);
  }
}
