// What the gallery shows of the history, and in which order.

import { button, element, set } from "../widgets/dom.js";
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
  /** `changed` asks for other pictures, `wantMore` for the params and runs that can be filtered by. */
  constructor(changed, wantMore) {
    this.changed = changed;
    this.wantMore = wantMore;
    this.words = element("input", { type: "search", placeholder: "words of the prompt", "aria-label": "Search the history" });
    this.model = select("Filter: made with", [["", "any model"]]);
    this.rating = select("Filter: rating", LEAST);
    this.tag = select("Filter: tag", [["", "any tag"]]);
    this.by = select("Filter: user", [["", "anybody's"]]);
    this.by.hidden = true;
    this.order = select("Order", ORDERS);
    this.buildMore();
    this.toggle = button("More filters", "More filters", () => this.open(this.more.hidden), { "aria-expanded": "false" });
    const selects = [this.model, this.rating, this.tag, this.by, this.order];
    const first = element("div", { class: "rivya-filters" }, this.words, ...selects, this.toggle);
    this.node = element("div", {}, first, this.more);
    for (const control of [this.words, this.run, this.seed]) control.addEventListener("input", () => this.typed());
    for (const control of [...selects, this.since, this.until]) control.addEventListener("change", changed);
    this.param.addEventListener("change", () => this.addParam());
  }

  /** Filters that are less often wanted. */
  buildMore() {
    const id = `rivya-runs-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
    this.runs = element("datalist", { id });
    this.run = element("input", { type: "search", placeholder: "any run", "aria-label": "Filter: run" });
    set(this.run, "list", id);
    this.since = element("input", { type: "date", "aria-label": "Filter: from" });
    this.until = element("input", { type: "date", "aria-label": "Filter: to" });
    this.seed = element("input", { type: "search", placeholder: "any seed", "aria-label": "Filter: seed" });
    this.param = select("Filter: param", [["", "any param"]]);
    this.params = new Map(); // those that are asked for: by key, the value and how it is shown
    this.chips = element("span", { class: "rivya-filter-chips" });
    const named = (words, control) => element("label", {}, words, control);
    const dates = [named("from ", this.since), named("to ", this.until)];
    this.more = element("div", { class: "rivya-filters rivya-more", hidden: true }, ...dates, this.run, this.runs, this.seed, this.param, this.chips);
  }

  open(wanted) {
    this.more.hidden = !wanted;
    set(this.toggle, "aria-expanded", String(wanted));
    if (wanted) this.wantMore();
  }

  typed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.changed, TYPING);
  }

  addParam() {
    if (!this.param.value) return;
    const [key, value, words] = JSON.parse(this.param.value);
    this.params.set(key, [value, words]);
    this.param.value = "";
    this.paramsChanged();
  }

  paramsChanged() {
    const isFocused = this.chips.contains(document.activeElement);
    this.chips.replaceChildren(...[...this.params].map(([key, [, words]]) => {
      const name = `${key} ${words}`;
      const remove = () => {
        this.params.delete(key);
        this.paramsChanged();
      };
      return button(`${name} ×`, `No longer only ${name}`, remove);
    }));
    if (isFocused) this.param.focus();
    this.changed();
  }

  values() {
    const rating = this.rating.value;
    return {
      prompt: this.words.value,
      model: this.model.value,
      rating: /^\d$/.test(rating) ? Number(rating) : 0,
      favourite: rating === "favourite",
      tag: this.tag.value,
      by: this.by.value,
      run: this.run.value,
      seed: this.seed.value,
      since: this.since.value,
      until: this.until.value,
      params: [...this.params].map(([key, [value]]) => [key, value]),
      oldest_first: this.order.value === "oldest",
      measure: this.order.selectedIndex < ORDERS.length ? "" : this.order.value,
    };
  }

  get areSet() {
    const { words, model, rating, tag, by, run, seed, since, until } = this;
    const controls = [words, model, rating, tag, by, run, seed, since, until];
    return this.params.size > 0 || controls.some((control) => control.value);
  }

  offer({ models, tags, users, measures }) {
    refill(this.model, models);
    refill(this.tag, tags);
    // One user alone has nobody to tell apart.
    refill(this.by, users, 1, (user) => `${user}'s`);
    this.by.hidden = users.length < 2;
    refill(this.order, measures, ORDERS.length, (measure) => `by ${measure}`);
  }

  offerMore({ params, runs }) {
    this.runs.replaceChildren(...runs.map(([value, name]) => element("option", { value, label: `run ${value} ${name}` })));
    const group = ([key, values]) => element("optgroup", { label: key }, ...values.map(([value, words]) =>
      element("option", { value: JSON.stringify([key, value, words]), textContent: `${key} ${words}` })));
    this.param.replaceChildren(this.param.firstElementChild, ...params.map(group));
  }

  close() {
    clearTimeout(this.timer);
  }
}

/** The choices of a control behind its first ones, which stay; what is chosen stays where it still can. */
function refill(control, texts, first = 1, named = (text) => text) {
  const kept = control.value;
  const options = texts.map((text) => element("option", { value: text, textContent: named(text) }));
  control.replaceChildren(...[...control.children].slice(0, first), ...options);
  control.value = [...control.options].some((option) => option.value === kept) ? kept : "";
}
