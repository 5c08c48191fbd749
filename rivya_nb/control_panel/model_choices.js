// The list of models that fit what is typed, one of which is active.

import { element } from "../widgets/dom.js";

// Every typed word has to occur somewhere in what is known of a model.
function fits(entry, typed) {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const text = `${entry.id} ${entry.name} ${entry.detail}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

export class Choices {
  /** `choose` is called with an entry that was clicked. */
  constructor(id, choose) {
    this.id = id;
    this.choose = choose;
    this.shown = [];
    this.active = -1;
    const given = { id: `${id}-list`, class: "rivya-models", hidden: true, role: "listbox", "aria-label": "Choices" };
    this.node = element("ul", given);
  }

  get isOpen() {
    return !this.node.hidden;
  }

  get activeEntry() {
    return this.shown[this.active];
  }

  get activeNode() {
    return this.active >= 0 ? this.node.children[this.active] : null;
  }

  open(entries, chosen, typed) {
    this.shown = entries.filter((entry) => fits(entry, typed));
    this.node.replaceChildren(...this.shown.map((entry, place) => this.option(entry, place, chosen.includes(entry.id))));
    if (!this.shown.length) this.node.append(none());
    this.node.hidden = false;
    this.activate(this.shown.findIndex((entry) => !entry.why && (typed || chosen.includes(entry.id))));
  }

  close() {
    this.node.hidden = true;
    this.active = -1;
  }

  move(step) {
    this.activate(this.active + step);
  }

  activate(place) {
    this.activeNode?.classList.remove("rivya-active");
    this.active = Math.max(-1, Math.min(this.shown.length - 1, place));
    this.activeNode?.classList.add("rivya-active");
    this.activeNode?.scrollIntoView({ block: "nearest" });
  }

  option(entry, place, isChosen) {
    const given = {
      id: `${this.id}-${place}`,
      role: "option",
      "aria-selected": String(isChosen),
      "aria-disabled": String(Boolean(entry.why)),
      // On mousedown the input would lose its focus, and the list would be gone before the click.
      onmousedown: (event) => event.preventDefault(),
      onclick: () => this.choose(entry),
    };
    return element("li", given,
      element("span", { class: "rivya-model-id" }, entry.id), element("span", { class: "rivya-quiet" }, entry.detail));
  }
}

function none() {
  return element("li", { class: "rivya-quiet", role: "option", "aria-disabled": "true" }, "no model fits");
}
