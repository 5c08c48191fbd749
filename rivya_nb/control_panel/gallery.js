// The history in pages: small pictures in a grid, a click brings one's settings back, several can be chosen.
// The kernel is asked for a page and sends it in one message, its pictures as bytes: nothing of an earlier page
// stays.

import { button, element, send, set } from "../widgets/dom.js";
import { Chosen } from "./gallery_chosen.js";
import { Filters } from "./gallery_filters.js";
import { Tiles } from "./gallery_tiles.js";

const BETWEEN_CHECKS = 1000; // milliseconds at least until it is asked again whether there is anything new
const GONE = "Nobody answers; if the kernel was restarted, run the panel's cell again";

class Gallery {
  constructor(model, host) {
    this.model = model;
    this.host = host;
    this.page = { items: [], first: 0, total: 0, is_exact: true, has_next: false, size: 24, models: [], tags: [] };
    this.place = 0; // where the page that was asked for last begins
    this.asked = 0;
    this.isTurning = false; // What is shown is not what was asked for last.
    this.checked = Date.now();
    this.isSeen = false;
    this.isDue = false; // Something may be new; it is asked for once the gallery is seen again.
    this.view = crypto.getRandomValues(new Uint32Array(1))[0]; // The same gallery may be shown twice, at other places.
    this.build(host);
    this.answered = this.answered.bind(this);
    model.on("msg:custom", this.answered);
    this.sight = new IntersectionObserver((entries) => this.seen(entries.at(-1).isIntersecting));
    this.sight.observe(host);
    host.addEventListener("pointerenter", () => this.check());
    host.addEventListener("focusin", (event) => host.contains(event.relatedTarget) || this.check());
    host.addEventListener("keydown", (event) => this.chosen.escape(event));
    // Jupyter has shortcuts of its own for most keys.
    host.addEventListener("keydown", (event) => event.target.matches("input, select") && event.stopPropagation());
    this.ask();
  }

  build(host) {
    this.filters = new Filters(() => this.askAnew());
    this.tiles = new Tiles(this);
    this.chosen = new Chosen(this);
    this.count = element("span", { class: "rivya-quiet", role: "status" });
    this.before = button("‹", "Previous page", () => this.turn(-1));
    this.after = button("›", "Next page", () => this.turn(1));
    const pages = element("span", { class: "rivya-pages" }, this.count, this.before, this.after);
    const foot = element("div", { class: "rivya-foot" }, this.chosen.bar, pages);
    host.classList.add("rivya-gallery");
    host.append(this.filters.node, this.tiles.node, foot, this.chosen.said);
  }

  // Asking

  tell(content) {
    if (!send(this.model, content)) this.chosen.say({ text: GONE, wrong: true });
  }

  ask() {
    this.asked += 1;
    this.tell(this.question());
  }

  question() {
    const chosen = [...this.chosen.jobs];
    const stay = this.isTurning ? {} : { anchor: this.page.items[0]?.job, held: this.tiles.held };
    return { kind: "ask", view: this.view, number: this.asked, place: this.place, chosen, ...stay, ...this.filters.values() };
  }

  askAnew() {
    this.place = 0;
    this.sayTurning(true);
    this.ask();
  }

  turn(step) {
    // A page that kept its place while pictures came may begin anywhere.
    const next = Math.max(0, this.place + step * this.page.size);
    if (next === this.place || (step > 0 && !this.page.has_next)) return;
    this.place = next;
    this.sayTurning(true);
    this.count.textContent = `turning to ${next + 1}–${this.page.is_exact ? Math.min(next + this.page.size, this.page.total) : next + this.page.size} …`;
    this.ask();
  }

  sayTurning(isTurning) {
    this.isTurning = isTurning;
    set(this.tiles.node, "aria-busy", String(isTurning));
  }

  seen(isSeen) {
    this.isSeen = isSeen;
    if (isSeen && this.isDue) this.check();
    this.comeBack();
  }

  /** Let the kernel say if the page is another by now, soon: runs, cells, other panels and kernels add and mark. */
  check() {
    this.isDue = !this.isSeen;
    if (!this.isSeen || !this.page.known || this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.checked = Date.now();
      // Such a look may stay without an answer, and where nobody is left to ask it is not worth a word.
      send(this.model, { ...this.question(), known: this.page.known });
    }, Math.max(0, this.checked + BETWEEN_CHECKS - Date.now()));
  }

  /** Open the viewer: to compare pictures, or `at` one with the others to leaf through. */
  open(jobs, at) {
    this.cameFrom = this.chosen.focused ?? "";
    this.act("view", jobs, { at });
  }

  look({ job }) {
    this.open(this.page.items.map((item) => item.job), job);
  }

  /** Give the focus to where it was when the viewer was opened, as soon as that is seen again. */
  comeBack() {
    if (!this.isBack || !this.isSeen) return;
    this.isBack = false;
    const current = document.activeElement;
    if (current !== document.body && !this.host.closest(".rivya-panel")?.contains(current)) return;
    if (!this.chosen.focusOn(this.cameFrom)) this.tiles.focusOn(this.tiles.current, true);
  }

  act(kind, jobs, more = {}) {
    this.chosen.dismiss();
    this.tell({ kind, jobs, ...more });
  }

  // Answers

  answered(message, buffers) {
    if (message.kind === "page") this.show(message, buffers);
    else if (message.kind === "stale") this.ask();
    else if (message.kind === "check") this.check();
    else if (message.kind === "back") {
      // The same gallery shown elsewhere has nobody who went away from it.
      this.isBack = this.cameFrom !== undefined;
      this.comeBack();
    } else if (message.kind === "code") this.chosen.showCode(message.cells);
    else if (message.kind === "said") {
      this.chosen.say(message);
      if (message.wrong) this.sayTurning(false);
    }
  }

  show(message, buffers) {
    if (message.view !== this.view || message.number < this.asked) return;
    const { first, items, total } = message;
    this.page = message;
    this.place = first;
    this.sayTurning(false);
    this.filters.offer(message.models, message.tags);
    this.tiles.take(items, buffers);
    this.chosen.drop(message.gone);
    const last = first + items.length;
    const all = `${message.is_exact ? "" : "more than "}${total.toLocaleString("en")}`;
    this.count.textContent = total ? `${first + 1}–${last} of ${all}` : "no pictures";
    const focused = document.activeElement;
    this.before.disabled = first === 0;
    this.after.disabled = !message.has_next;
    // At either end the way back is the one that is left.
    if (focused === this.before && this.before.disabled) this.after.focus();
    if (focused === this.after && this.after.disabled) this.before.focus();
  }

  choose(item, wanted) {
    this.chosen.put(item, wanted);
    this.drawChosen();
  }

  drawChosen() {
    this.tiles.drawChosen();
    this.chosen.draw();
  }

  close() {
    clearTimeout(this.timer);
    this.sight.disconnect();
    this.filters.close();
    this.tiles.close();
    this.model.off("msg:custom", this.answered);
  }
}

export default {
  render({ model, el }) {
    const gallery = new Gallery(model, el);
    return () => gallery.close();
  },
};
