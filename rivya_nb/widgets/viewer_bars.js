// The bars around the stage: tools above it, the slider of a third axis, the pages of a long history.

import { button, element, set } from "./dom.js";
import { FAVOURITE, FAVOURITE_KEY, NO_FAVOURITE, RATED, RATINGS, UNRATED } from "./marks.js";
import { MODES } from "./viewer_compare.js";

/** A word, and the key that does the same where there is room for it. */
const words = (text, key) => [element("span", {}, text), element("kbd", { "aria-hidden": "true" }, key)];

export class Tools {
  constructor(viewer) {
    this.viewer = viewer;
    const { comparison } = viewer;
    this.modes = MODES.map(([mode, name]) =>
      [mode, this.tool(name, name, () => (mode === "flicker" ? comparison.flicker() : comparison.enter(mode)))]);
    this.node = element("div", { class: "bar" },
      element("div", { class: "modes", role: "group", "aria-label": "View" }, ...this.modes.map(([, node]) => node)),
      element("div", { class: "tools", role: "group", "aria-label": "Picture" }, ...this.groups()));
  }

  tool(content, name, act, more) {
    const onclick = (event) => {
      act();
      // After a click the keys belong to the pictures again: Space flickers.
      if (event.detail) this.viewer.stage.focus();
    };
    return button(content, name, onclick, more);
  }

  groups() {
    const { viewer } = this;
    const { zoom, marks, comparison } = viewer;
    const group = (given, ...tools) => element("span", { class: "set", ...given }, ...tools);
    this.fit = this.tool("", "Fit (z)", () => zoom.fit(), { class: "percent" });
    this.rates = RATINGS.map((rating) =>
      this.tool(UNRATED, `Rate ${rating}`, () => this.rate(rating), { class: "rate" }));
    this.favourite = this.tool("", `Favourite (${FAVOURITE_KEY})`, () => marks.toggleFavourite());
    this.pin = this.tool(words("Pin as A", "p"), "Pin as A (p)", () => comparison.pin());
    return [
      group({}, this.tool("−", "Zoom out (−)", () => zoom.out()), this.fit, this.tool("+", "Zoom in (+)", () => zoom.in())),
      group({}, this.tool("←", "Previous (←)", () => viewer.step(-1)),
        this.tool("→", "Next (→)", () => viewer.step(1))),
      group({ role: "group", "aria-label": "Rating" }, ...this.rates),
      this.favourite,
      this.pin,
      this.tool(words("Details", "i"), "Details: everything that is known (i)", () => viewer.toggle("info")),
      this.tool(words("Full screen", "f"), "Full screen (f)", () => viewer.fullScreen()),
      this.tool(words("Keys", "?"), "Keys (?)", () => viewer.toggle("help")),
      ...(viewer.canLeave ? [button(words("Back", "esc"), "Back (Esc)", () => viewer.leave())] : []),
    ];
  }

  /** A star that is pressed already takes the rating away. */
  rate(rating) {
    const { cell, marks } = this.viewer;
    marks.rate(marks.of(cell).rating === rating ? 0 : rating);
  }

  draw() {
    const { cell, marks, state } = this.viewer;
    for (const [mode, node] of this.modes) set(node, "aria-pressed", String(mode === state.mode));
    const { rating, favourite } = marks.of(cell);
    this.rates.forEach((node, index) => {
      node.textContent = index < rating ? RATED : UNRATED;
      node.classList.toggle("given", index < rating);
      set(node, "aria-pressed", String(index + 1 === rating));
    });
    const sign = favourite ? FAVOURITE : NO_FAVOURITE;
    this.favourite.replaceChildren(...words(`${sign} Favourite`, FAVOURITE_KEY));
    set(this.favourite, "aria-pressed", String(favourite));
    set(this.pin, "aria-pressed", String(state.pinned !== null && state.pinned.key === cell?.key));
  }

  /** The zoom as a share of the original's pixels; 0 if it is not known. */
  sayZoom(scale) {
    this.fit.textContent = scale ? `${Math.round(scale * 100)} %` : "fit";
  }
}

/** The slider of a third axis, over the whole grid. */
export class Sheets {
  constructor(viewer) {
    this.viewer = viewer;
    this.node = element("div", { class: "sheets" });
  }

  draw() {
    const { scene, state } = this.viewer;
    const { pages } = scene;
    this.node.hidden = pages.length < 2;
    if (pages.length < 2) return;
    if (this.viewer.stale("sheets", pages.length)) {
      this.input = element("input", { type: "range", min: 0, max: pages.length - 1, step: 1, "aria-label": "Page",
        oninput: (event) => this.viewer.toSheet(Number(event.target.value)) });
      this.words = element("span", { class: "caption" });
      this.node.replaceChildren(this.input, this.words);
    }
    const { caption } = pages[state.sheet];
    this.input.value = state.sheet;
    set(this.input, "aria-valuetext", caption);
    this.words.textContent = `${caption} · ${state.sheet + 1} of ${pages.length}`;
  }
}

/** The pages of a long history. */
export class Pages {
  constructor(viewer) {
    this.viewer = viewer;
    this.node = element("div", { class: "pages" });
  }

  draw() {
    const { page, more_pages: pages, first, total, cells } = this.viewer.scene;
    this.node.hidden = pages < 2;
    if (pages < 2 || !this.viewer.stale("pages", page, total)) return;
    const turn = (by, name) => element("button", { type: "button", onclick: () => this.viewer.turn(by),
      disabled: page + by < 0 || page + by >= pages }, name);
    const words = `${first.toLocaleString()} – ${(first + cells.length - 1).toLocaleString()} of ${total.toLocaleString()}`;
    this.node.replaceChildren(turn(-1, "Previous page"), words, turn(1, "Next page"));
  }
}
