// What the gallery shows of the history, and in which order.

import { element } from "../widgets/dom.js";
import { FAVOURITE, RATED, RATINGS } from "../widgets/marks.js";

const TYPING = 250; // milliseconds after the last key before the history is asked

/** Every rating, and how it is shown. */
export const STARS = RATINGS.map((rating) => [String(rating), RATED.repeat(rating)]);

const LEAST = [
  ["", "any rating"],
  ["favourite", `${FAVOURITE} favourites`],
  ...STARS.map(([rating, stars]) => [rating, `${stars} or more`]),
];
const ORDERS = [["", "newest first"], ["oldest", "oldest first"]];

export function select(name, options) {
  const made = options.map(([value, text]) => element("option", { value, textContent: text }));
  return element("select", { "aria-label": name }, ...made);
}

export class Filters {
  constructor(changed) {
    this.words = element("input", { type: "search", placeholder: "words of the prompt", "aria-label": "Search the history" });
    this.model = select("Filter: made with", [["", "any model"]]);
    this.rating = select("Filter: rating", LEAST);
    this.tag = select("Filter: tag", [["", "any tag"]]);
    this.order = select("Order", ORDERS);
    const selects = [this.model, this.rating, this.tag, this.order];
    this.node = element("div", { class: "rivya-filters" }, this.words, ...selects);
    this.words.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(changed, TYPING);
    });
    for (const control of selects) control.addEventListener("change", changed);
  }

  values() {
    const rating = this.rating.value;
    return {
      prompt: this.words.value,
      model: this.model.value,
      rating: /^\d$/.test(rating) ? Number(rating) : 0,
      favourite: rating === "favourite",
      tag: this.tag.value,
      oldest_first: this.order.value === "oldest",
    };
  }

  get areSet() {
    return [this.words, this.model, this.rating, this.tag].some((control) => control.value);
  }

  offer(models, tags) {
    refill(this.model, models);
    refill(this.tag, tags);
  }

  close() {
    clearTimeout(this.timer);
  }
}

/** The choices of a control behind its first one, which stands for all; what is chosen stays where it still can. */
function refill(control, texts) {
  const kept = control.value;
  const options = texts.map((text) => element("option", { value: text, textContent: text }));
  control.replaceChildren(control.firstElementChild, ...options);
  control.value = texts.includes(kept) ? kept : "";
}
