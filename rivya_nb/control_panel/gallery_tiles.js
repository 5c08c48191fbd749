// The small pictures of one page, and the keys that walk over them.

import { button, element } from "../widgets/dom.js";
import { FAVOURITE_KEY, ratingOf } from "../widgets/marks.js";

export class Tiles {
  constructor(gallery) {
    this.gallery = gallery;
    this.items = [];
    this.tiles = new Map(); // by what a tile shows: {node, address}
    this.current = 0;
    const given = { class: "rivya-tiles", role: "group", "aria-label": "Pictures of the history", tabIndex: -1 };
    this.node = element("div", given);
    this.node.addEventListener("keydown", (event) => this.press(event));
  }

  /** The job of the picture that has the focus. */
  get held() {
    return this.node.contains(document.activeElement) ? this.items[this.current]?.job : undefined;
  }

  /** Show a page in the place of another; `buffers` are the bytes of its pictures. What is on both stays as it is:
   * it neither flickers nor loses the focus. */
  take(items, buffers) {
    const focused = this.node.contains(document.activeElement);
    const { held } = this;
    const before = this.tiles;
    this.tiles = new Map();
    for (const item of items) {
      const key = JSON.stringify([item.job, item.name, item.trouble]);
      this.tiles.set(key, before.get(key) ?? this.tile(item, buffers));
      before.delete(key);
    }
    this.items = items;
    const same = items.findIndex(({ job }) => job === held);
    this.current = Math.max(0, same < 0 ? Math.min(this.current, items.length - 1) : same);
    for (const tile of before.values()) this.drop(tile);
    this.place([...this.tiles.values()].map(({ node }) => node));
    const isLost = focused && !this.node.contains(document.activeElement);
    this.focusOn(this.current, isLost, { preventScroll: true });
    // Nothing is left that a key could mean: in a field the next one would be written.
    if (isLost && !items.length) this.node.focus();
  }

  /** Put the tiles in their order, without moving those that are in theirs: they would lose the focus. */
  place(nodes) {
    const wanted = nodes.length ? nodes : [this.none()];
    for (const node of [...this.node.children]) if (!wanted.includes(node)) node.remove();
    wanted.forEach((node, at) => {
      if (this.node.children[at] !== node) this.node.insertBefore(node, this.node.children[at] ?? null);
    });
  }

  drop({ address }) {
    if (address) URL.revokeObjectURL(address);
  }

  none() {
    const words = this.gallery.filters.areSet ? "No picture of the history is like that" : "What is generated is kept here";
    return element("span", { class: "rivya-none" }, words);
  }

  tile(item, buffers) {
    const { gallery } = this;
    const address = item.picture === null
      ? null
      : URL.createObjectURL(new Blob([buffers[item.picture]], { type: "image/webp" }));
    const picture = address === null
      ? element("span", { class: "rivya-gone" }, item.trouble)
      : element("img", { src: address, alt: item.name, draggable: false }); // Dragged, it would be its small copy.
    const main = button(picture, item.name, () => gallery.act("recall", [item.job]), {
      class: "rivya-main", tabIndex: -1,
      title: `${item.name}\nClick: use its settings. V: look closely. X: choose. 0 to 5: rate. H: favourite.`,
    });
    const box = element("input", { type: "checkbox", tabIndex: -1, "aria-label": `Choose ${item.name}`,
      onchange: () => gallery.choose(item, box.checked) });
    const look = button("⤢", `Look closely at ${item.name}`, () => gallery.look(item),
      { class: "rivya-look", tabIndex: -1 });
    const node = element("div", { class: "rivya-tile" }, main, box, look);
    node.addEventListener("focusin", () => this.focusOn([...this.node.children].indexOf(node), false));
    return { node, address };
  }

  drawChosen() {
    for (const [at, item] of this.items.entries()) {
      const node = this.node.children[at];
      const isChosen = this.gallery.chosen.has(item);
      node.classList.toggle("rivya-chosen", isChosen);
      node.querySelector("input").checked = isChosen;
      node.querySelector(".rivya-marks")?.remove();
      if (item.marks) node.append(element("span", { class: "rivya-marks" }, item.marks));
      // Heard where the focus is; the box beside it is for the mouse.
      node.querySelector(".rivya-main").setAttribute("aria-label", isChosen ? `chosen: ${item.name}` : item.name);
    }
  }

  focusOn(at, move, how = {}) {
    const mains = [...this.node.querySelectorAll(".rivya-main")];
    if (!mains.length) return;
    this.current = Math.max(0, Math.min(mains.length - 1, at));
    for (const [index, each] of mains.entries()) each.tabIndex = index === this.current ? 0 : -1;
    if (move) mains[this.current].focus(how);
  }

  columns() {
    const tiles = [...this.node.children];
    return Math.max(1, tiles.filter((each) => each.offsetTop === tiles[0].offsetTop).length);
  }

  /** How far a key goes, undefined for one that goes nowhere. */
  distance(key) {
    const { length } = this.items;
    return { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.columns(), ArrowUp: -this.columns(), Home: -length, End: length }[key];
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { gallery } = this;
    // While another page is on its way, a key is not meant for what is still shown.
    const item = gallery.isTurning ? undefined : this.items[this.current];
    const { key } = event;
    const distance = this.distance(key);
    if (distance !== undefined) this.focusOn(this.current + distance, true);
    else if (key === "PageDown") gallery.turn(1);
    else if (key === "PageUp") gallery.turn(-1);
    else if (key === "v" && item) gallery.look(item);
    else if (key === "x" && item) gallery.choose(item, !gallery.chosen.has(item));
    else if (key === FAVOURITE_KEY && item) gallery.act("favourite", [item.job]);
    else if (ratingOf(key) !== undefined && item) gallery.act("rate", [item.job], { rating: ratingOf(key) });
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Give the pictures up that the browser holds. */
  close() {
    for (const tile of this.tiles.values()) this.drop(tile);
  }
}
