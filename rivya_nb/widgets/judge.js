// Judging pictures, videos or sounds in pairs: the same in a notebook and on a page that was written for somebody else.
//
// A source gives what is judged and takes the votes; it knows places in a list, and nothing of what is shown:
//
//   rater, total, judged       who judges; how many pairs there are; the places that are judged, in their order
//   question(place)            what is asked
//   files(place)               a promise of the left and the right one, each as its address and type: { src, type }
//   vote(place, better, seconds), takeBack(place)     promises; `better` is "left", "right" or "none"
//   sure()                     how sure the order is, in words, or ""
//   end()                      what stands at the end, a node or null

import { button, element, holdsFocus, set } from "./dom.js";
import { InStep, hear, loaded, nounOf, release } from "./judge_media.js";

const AHEAD = 3; // pairs that are loaded before they are shown
const SHIFT = 0.1; // shares of a picture
const MOVED = 6; // pixels from which on a press is no choice
const SIDES = ["left", "right"];
const isSeen = (file) => file.medium !== "audio";
const isHeard = (file) => file.medium === "audio";

// The key, its sign, what it does in a word and in a sentence (of one *), and which files of a pair need it.
const KEYS = [
  ["ArrowLeft", "←", "left", "The left * is better", (judge) => judge.vote("left")],
  ["ArrowRight", "→", "right", "The right * is better", (judge) => judge.vote("right")],
  ["ArrowDown", "↓", "no difference", "There is no difference", (judge) => judge.vote("none")],
  ["s", "S", "skip", "Skip this pair; it comes again at the end", (judge) => judge.skip()],
  ["z", "Z", "take back", "Take back the last one", (judge) => judge.takeBack()],
  [" ", "space", "zoom both", "Zoom both, or show them whole again", (judge) => judge.zoom(), ([one, other]) => isSeen(one) && isSeen(other)],
  ["1", "1", "hear left", "Hear the left sound, or pause it", (judge) => hear(judge.files, 0), ([one]) => isHeard(one)],
  ["2", "2", "hear right", "Hear the right sound, or pause it", (judge) => hear(judge.files, 1), ([, other]) => isHeard(other)],
];
const [LEFT, RIGHT] = KEYS;

const MOVES = { ArrowLeft: [-SHIFT, 0], ArrowRight: [SHIFT, 0], ArrowUp: [0, -SHIFT], ArrowDown: [0, SHIFT] };

export class Judge {
  /** `keys` is the node whose keys are taken, the judge's own one if there is none. */
  constructor(host, source, keys = null) {
    this.source = source;
    const judged = new Set(source.judged);
    this.queue = Array.from({ length: source.total }, (_, place) => place).filter((place) => !judged.has(place));
    this.done = source.judged.map((place) => ({ place, skipped: false }));
    this.skipped = new Set();
    this.dropped = new Set();
    this.loaded = new Map();
    this.files = [];
    this.said = "";
    this.trouble = "";
    this.build(host);
    this.listen(keys ?? this.root);
    this.show();
  }

  build(host) {
    this.question = element("div", { class: "question", role: "heading", "aria-level": 2 });
    this.sides = SIDES.map((side) => button("", "", (event) => this.choose(side, event), { class: "side", title: "" }));
    this.pair = element("div", { class: "pair" }, ...this.sides);
    this.end = element("div", { class: "end" });
    this.keyButtons = KEYS.map(([, sign, words, , act]) =>
      button([element("kbd", {}, sign), words], "", () => act(this), { class: "key" }),
    );
    this.name([{ medium: "image" }, { medium: "image" }]);
    this.state = element("div", { class: "state", role: "status", "aria-live": "polite" });
    this.gauge = element("div");
    this.bar = element("div", { class: "bar", role: "progressbar", "aria-label": "Pairs judged", "aria-valuemin": 0 }, this.gauge);
    this.message = element("div", { class: "message", role: "alert" });
    const rater = element("div", { class: "rater" }, `rater ${this.source.rater}`);
    const given = { class: "rivya-judge", role: "application", "aria-label": "Judging in pairs", tabindex: 0 };
    this.root = element(
      "div",
      given,
      element("div", { class: "head" }, this.question, rater),
      this.pair,
      this.end,
      element("div", { class: "foot" }, element("div", { class: "keys" }, ...this.keyButtons), this.state),
      this.bar,
      this.message,
    );
    host.append(this.root);
  }

  listen(keys) {
    this.keys = keys;
    this.onKey = (event) => this.press(event);
    // Some browsers press a button when the space bar is let go.
    this.onKeyUp = (event) => event.key === " " && event.preventDefault();
    keys.addEventListener("keydown", this.onKey);
    keys.addEventListener("keyup", this.onKeyUp);
    const isActive = () => keys !== this.root || holdsFocus(this.root);
    this.root.addEventListener("pointerdown", (event) => {
      this.pressed = { active: isActive(), x: event.clientX, y: event.clientY };
    }, true);
    this.pair.addEventListener("pointermove", (event) => this.follow(event));
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, textarea, select")) return;
    const move = event.shiftKey && this.isZoomed && MOVES[event.key];
    const pressed = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const known = KEYS.find(([key], at) => key === pressed && !this.keyButtons[at].hidden);
    if (!move && (!known || event.repeat || (event.shiftKey && event.key.startsWith("Arrow")))) return;
    event.preventDefault();
    event.stopPropagation();
    if (move) this.look(this.x + move[0], this.y + move[1]);
    else known[4](this);
  }

  // Voting

  /** A press on a picture: none that only wakes the widget, and none that moved the zoomed pictures. */
  choose(side, event) {
    const { active, x, y } = this.pressed ?? { active: true, x: event.clientX, y: event.clientY };
    const byPointer = event.detail > 0;
    if (byPointer && (!active || Math.hypot(event.clientX - x, event.clientY - y) > MOVED)) return;
    this.vote(side);
  }

  vote(better) {
    if (this.since === null) return;
    const seconds = (performance.now() - this.since) / 1000;
    const place = this.queue.shift();
    const entry = { place, skipped: false };
    this.done.push(entry);
    this.try(this.source.vote(place, better, seconds), () => {
      this.done = this.done.filter((each) => each !== entry);
      if (!this.queue.includes(place)) this.queue.unshift(place);
    });
    this.show();
  }

  skip() {
    if (this.since === null && !this.trouble) return;
    const place = this.queue.shift();
    const again = !this.skipped.has(place);
    if (again) this.queue.push(place);
    else this.dropped.add(place);
    this.skipped.add(place);
    this.done.push({ place, skipped: true, again });
    this.show();
  }

  takeBack() {
    const last = this.done.pop();
    if (!last) return;
    if (last.again) this.skipped.delete(last.place);
    this.dropped.delete(last.place);
    this.queue = [last.place, ...this.queue.filter((place) => place !== last.place)];
    if (!last.skipped) {
      this.try(this.source.takeBack(last.place), () => {
        this.queue = this.queue.filter((place) => place !== last.place);
        this.done.push(last);
      });
    }
    this.show();
  }

  /** Say so if something could not be kept, after `undo`. */
  async try(work, undo) {
    try {
      await work;
      this.say("");
    } catch (error) {
      undo();
      this.show();
      this.say(error.message);
    }
  }

  say(words) {
    this.said = words;
    this.tell();
  }

  /** Why the pair cannot be judged, for as long as it is in turn; else what was said last. */
  tell() {
    this.message.textContent = this.trouble || this.said;
  }

  // Showing

  async show() {
    const [place] = this.queue;
    this.since = null;
    this.trouble = "";
    this.tell();
    this.count();
    const finished = place === undefined;
    this.hush();
    set(this.pair, "aria-busy", !finished);
    this.pair.hidden = finished;
    this.end.replaceChildren(...(finished ? [this.ending(), this.source.end()].filter(Boolean) : []));
    this.question.textContent = finished ? this.conclusion() : this.source.question(place);
    const wanted = this.queue.slice(0, 1 + AHEAD);
    this.forget(wanted);
    if (finished) {
      for (const side of this.sides) side.replaceChildren();
      return;
    }
    try {
      const files = await this.load(place);
      if (this.queue[0] !== place || this.closed) return;
      this.files = files;
      this.name(files);
      for (const [at, side] of this.sides.entries()) side.replaceChildren(files[at].node);
      set(this.pair, "aria-busy", false);
      this.look(0.5, 0.5);
      this.playing = new InStep(files);
      this.since = performance.now();
    } catch (error) {
      if (this.queue[0] !== place) return;
      for (const side of this.sides) side.replaceChildren();
      this.trouble = error.message;
      this.tell();
    }
    for (const next of wanted.slice(1)) this.load(next).catch(() => {});
  }

  /** Call the sides by what they show, and offer the keys that it needs. */
  name(files) {
    const noun = nounOf(files.map((file) => file.medium));
    for (const [at, key] of KEYS.entries()) {
      const [, , , sentence, , needed] = key;
      const words = sentence.replace("*", noun);
      set(this.keyButtons[at], "aria-label", words);
      this.keyButtons[at].title = words;
      this.keyButtons[at].hidden = Boolean(needed && !needed(files));
      if (key === LEFT || key === RIGHT) set(this.sides[key === LEFT ? 0 : 1], "aria-label", words);
    }
  }

  /** Nothing plays any more of what is shown. */
  hush() {
    this.playing?.close();
    this.playing = null;
    hear(this.files, null);
  }

  /** The files of a place, ready, so that they are there at once when they are shown. */
  load(place) {
    if (!this.loaded.has(place)) {
      const loading = this.source.files(place).then((files) => Promise.all(files.map((file, at) => loaded(file, SIDES[at]))));
      loading.catch(() => this.loaded.delete(place));
      this.loaded.set(place, loading);
    }
    return this.loaded.get(place);
  }

  /** Let go of files that are far away; the last one may be taken back. */
  forget(wanted) {
    const kept = new Set([...wanted, this.done.at(-1)?.place]);
    for (const [place, loading] of this.loaded) {
      if (kept.has(place)) continue;
      this.loaded.delete(place);
      loading.then(release, () => {});
    }
  }

  count() {
    const judged = this.done.filter((each) => !each.skipped).length;
    const sure = this.source.sure();
    this.state.textContent = `${judged} of about ${this.source.total}${sure ? ` · ${sure}` : ""}`;
    set(this.bar, "aria-valuenow", judged);
    set(this.bar, "aria-valuemax", this.source.total);
    this.gauge.style.width = `${(100 * judged) / Math.max(1, this.source.total)}%`;
  }

  conclusion() {
    return this.dropped.size ? "No other pair is left" : "All pairs are judged";
  }

  ending() {
    const left = this.dropped.size;
    const skipped = left ? ` ${left} ${left === 1 ? "pair was" : "pairs were"} skipped; Z takes the last skip back.` : "";
    return element("p", {}, `Thank you.${skipped}`);
  }

  // Zooming: both sides show the same part

  get isZoomed() {
    return this.root.classList.contains("zoomed");
  }

  zoom() {
    this.root.classList.toggle("zoomed");
  }

  follow(event) {
    const side = event.target.closest(".side");
    if (!side || !this.isZoomed) return;
    const box = side.getBoundingClientRect();
    this.look((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  }

  look(x, y) {
    this.x = Math.min(1, Math.max(0, x));
    this.y = Math.min(1, Math.max(0, y));
    this.pair.style.setProperty("--x", `${100 * this.x}%`);
    this.pair.style.setProperty("--y", `${100 * this.y}%`);
  }

  close() {
    this.closed = true;
    this.hush();
    this.keys.removeEventListener("keydown", this.onKey);
    this.keys.removeEventListener("keyup", this.onKeyUp);
    this.queue = [];
    this.done = [];
    this.forget([]);
    this.root.remove();
  }
}
