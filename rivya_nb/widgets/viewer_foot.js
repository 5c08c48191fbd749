// Below the stage: facts about the picture or the differences, and a strip of all pictures.

import { element, set } from "./dom.js";
import { badge, spoken } from "./marks.js";
import { compare } from "./viewer_compare.js";

const SILENT = "The kernel does not answer: it is busy or gone. Ratings are kept only after it has answered.";

export class Foot {
  constructor(viewer) {
    this.viewer = viewer;
    this.facts = element("div", { class: "facts" });
    this.message = element("div", { class: "message", role: "status" });
    this.node = element("div", { class: "bar foot" }, this.facts, this.message);
  }

  /** The differences between A and B, else the params of the picture under the cursor. */
  draw() {
    const { cell, comparison, scene, state } = this.viewer;
    const { hover, pinned } = state;
    this.message.textContent = state.silent ? SILENT : state.message;
    const shown = scene.cells[hover] ?? cell;
    if (!shown) return this.facts.replaceChildren("There is nothing to look at yet.");
    const [a, b] = comparison.pair();
    const other = comparison.isOn ? b : shown;
    if (pinned && other.key !== pinned.key) return this.drawDifference(a, other);
    // The prompt is last: it is the longest, and gets the rest of the line.
    const sorted = [...shown.facts].sort(([one], [two]) => (one === "prompt") - (two === "prompt"));
    const facts = sorted.map(([name, value]) =>
      element("span", { title: value }, element("i", {}, name), " ", element("code", {}, value)));
    const hovered = hover !== null && state.mode === "grid";
    const which = hovered || !comparison.isOn ? shown.label : "A and B are one";
    return this.facts.replaceChildren(element("span", { class: "which" }, which), ...facts);
  }

  drawDifference(a, b) {
    const { differs, same } = compare(a, b);
    const parts = differs.flatMap(([name, before, after], index) => {
      const text = `${name} ${before} → ${after}`;
      return [index ? ", " : "", element("code", { title: text }, text)];
    });
    const said = differs.length ? ["differs: ", ...parts] : ["differs: nothing asked for"];
    this.facts.replaceChildren(
      element("span", { class: "differs" }, element("i", {}, said[0]), ...said.slice(1)),
      same.length ? element("span", { class: "same" }, `same: ${same.join(", ")}`) : "",
    );
  }
}

/** The filmstrip: the pictures of a sheet in a row. */
export class Strip {
  constructor(viewer) {
    this.viewer = viewer;
    this.node = element("div", { class: "strip", role: "listbox", "aria-label": "Filmstrip" });
  }

  draw() {
    const { cell: current, marks, scene, state } = this.viewer;
    if (this.viewer.stale("strip", state.sheet)) {
      this.node.replaceChildren(...this.viewer.order().map((index) => this.item(index)));
    }
    for (const node of this.node.children) {
      const cell = scene.cells[Number(node.dataset.index)];
      const here = cell === current;
      const pinned = cell.key === state.pinned?.key;
      if (here && node.getAttribute("aria-selected") !== "true") this.reveal(node);
      set(node, "aria-selected", String(here));
      node.classList.toggle("pinned", pinned);
      node.classList.toggle("b", here && state.pinned !== null && !pinned);
      const given = marks.of(cell);
      set(node, "aria-label", [cell.label, pinned ? "A" : "", spoken(given)].filter(Boolean).join(", "));
      node.lastChild.textContent = badge(given);
    }
  }

  item(index) {
    const { viewer } = this;
    const cell = viewer.scene.cells[index];
    const url = viewer.small.url(cell.key);
    const onclick = () => {
      viewer.go(index);
      viewer.stage.focus();
    };
    return element("div", { role: "option", "data-index": index, title: cell.label, onclick },
      url ? element("img", { src: url, alt: "", draggable: false }) : element("span", { class: "none" }, cell.sign),
      element("span", { class: "badge", "aria-hidden": "true" }));
  }

  /** Scroll the strip only: `scrollIntoView` would scroll the whole notebook. */
  reveal(item) {
    this.node.scrollLeft = item.offsetLeft - (this.node.clientWidth - item.offsetWidth) / 2;
  }
}
