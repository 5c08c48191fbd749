// The pictures of one tab: of the history in pages, of a run, or of a grid. A click looks at one, keys mark it, several
// can be chosen. The kernel is asked for what is shown and sends it in one message, each picture once, as bytes.

import { button, element, send, set } from "../widgets/dom.js";
import { Filters } from "./gallery_filters.js";
import { Chosen } from "./picture_chosen.js";
import { Tiles } from "./picture_tiles.js";

const BETWEEN_CHECKS = 1000; // milliseconds at least until it is asked again whether there is anything new
const GONE = "Nobody answers; if the kernel was restarted, run the panel's cell again";

export class PictureTab {
  constructor(tabs, { id, kind, title }, host) {
    this.tabs = tabs;
    this.id = id;
    this.name = kind === "gallery" ? "the history" : title.replace(/^./, (letter) => letter.toLowerCase());
    this.host = host;
    this.page = { items: [], first: 0, total: 0, is_exact: true, has_next: false, size: 24 };
    this.place = 0; // where the page that was asked for last begins
    this.asked = 0;
    this.isTurning = false; // What is shown is not what was asked for last.
    this.checked = Date.now();
    this.isSeen = false;
    this.isDue = false; // Something may be new; it is asked for once the tab is seen again.
    this.view = crypto.getRandomValues(new Uint32Array(1))[0]; // The same tab may be shown twice, at other places.
    this.build(host, kind);
    this.sight = new IntersectionObserver((entries) => this.seen(entries.at(-1).isIntersecting));
    this.sight.observe(host);
    host.addEventListener("pointerenter", () => this.check());
    host.addEventListener("focusin", (event) => host.contains(event.relatedTarget) || this.check());
    host.addEventListener("keydown", (event) => this.chosen.escape(event));
    // Jupyter has shortcuts of its own for most keys.
    host.addEventListener("keydown", (event) => event.target.matches("input, select") && event.stopPropagation());
    this.ask();
  }

  build(host, kind) {
    this.filters = kind === "gallery" ? new Filters(() => this.askAnew(), () => this.tell({ kind: "choices" })) : null;
    this.words = element("div", { class: "rivya-words" });
    this.tiles = new Tiles(this);
    this.chosen = new Chosen(this);
    this.count = element("span", { class: "rivya-quiet", role: "status" });
    this.captions = button("Captions", "Captions", () => this.showCaptions(this.captions.ariaPressed !== "true"));
    this.before = button("‹", "Previous page", () => this.turn(-1));
    this.after = button("›", "Next page", () => this.turn(1));
    const pages = element("span", { class: "rivya-pages" }, this.captions, this.count, this.before, this.after);
    const foot = element("div", { class: "rivya-foot" }, this.chosen.bar, pages);
    host.append(this.filters?.node ?? "", this.words, this.tiles.node, this.chosen.said, foot);
    this.showCaptions(false);
  }

  showCaptions(wanted) {
    set(this.captions, "aria-pressed", String(wanted));
    this.tiles.node.classList.toggle("rivya-captioned", wanted);
  }

  // Asking

  tell(content) {
    if (!send(this.tabs.model, { ...content, tab: this.id })) this.chosen.say({ text: GONE, wrong: true });
  }

  ask() {
    this.asked += 1;
    this.tell(this.question());
  }

  question() {
    const chosen = [...this.chosen.jobs];
    const stay = this.isTurning ? {} : { anchor: this.page.items[0]?.job, held: this.tiles.held };
    const asked = { kind: "ask", view: this.view, number: this.asked, place: this.place, chosen, have: this.tiles.pictured };
    return { ...asked, ...stay, ...this.filters?.values() };
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

  /** Let the kernel say if this is another by now, soon: runs, cells, other panels and kernels add and mark. */
  check() {
    this.isDue = !this.isSeen;
    if (!this.isSeen || !this.page.known || this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.checked = Date.now();
      // Such a look may stay without an answer, and where nobody is left to ask it is not worth a word.
      send(this.tabs.model, { ...this.question(), known: this.page.known, tab: this.id });
    }, Math.max(0, this.checked + BETWEEN_CHECKS - Date.now()));
  }

  look({ job }) {
    this.leaveFor("look", [...new Set(this.page.items.map((item) => item.job))], { at: job });
  }

  compare(jobs) {
    this.leaveFor("compare", jobs);
  }

  /** Open the viewer, to come back to what has the focus now. */
  leaveFor(kind, jobs, more = {}) {
    this.cameFrom = this.chosen.focused ?? "";
    this.act(kind, jobs, more);
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
    const { kind } = message;
    if (kind === "page") this.show(message, buffers);
    else if (kind === "words") this.showWords(message.html);
    else if (kind === "stale") this.ask();
    else if (kind === "check") this.check();
    else if (kind === "choices") this.filters.offerMore(message);
    else if (kind === "back") {
      // The same tab shown elsewhere has nobody who went away from it.
      this.isBack = this.cameFrom !== undefined;
      this.comeBack();
    } else if (kind === "code") this.chosen.showCode(message.cells);
    else if (kind === "said") {
      this.chosen.say(message);
      if (message.wrong) this.sayTurning(false);
    }
  }

  /** What the kernel has written of a run: its templates escape all that others have. */
  showWords(html) {
    if (this.html !== html) this.words.innerHTML = html;
    this.html = html;
  }

  show(message, buffers) {
    if (message.view !== this.view || message.number < this.asked) return;
    const { items } = message;
    if (!this.tiles.canTake(items)) {
      this.tiles.forget();
      this.ask();
      return;
    }
    const isFirst = !this.page.known;
    this.page = message;
    this.sayTurning(false);
    this.filters?.offer(message);
    this.tiles.take(items, buffers, message.layout);
    this.chosen.drop(message.gone);
    this.captions.hidden = !items.length;
    if (isFirst && message.layout?.wraps) this.showCaptions(true);
    if (message.total === undefined) {
      this.count.textContent = message.said ?? "";
      this.before.hidden = this.after.hidden = true;
    } else this.showPlace(message);
  }

  showPlace({ first, items, total, is_exact, has_next, size }) {
    this.place = first;
    const all = `${is_exact ? "" : "more than "}${total.toLocaleString("en")}`;
    this.count.textContent = total ? `${first + 1}–${first + items.length} of ${all}` : "none";
    const focused = document.activeElement;
    this.before.disabled = first === 0;
    this.after.disabled = !has_next;
    this.before.hidden = this.after.hidden = total <= size && first === 0;
    // At either end the way back is the one that is left.
    if (focused === this.before && this.before.disabled) this.after.focus();
    if (focused === this.after && this.after.disabled) this.before.focus();
  }

  choose(item, wanted) {
    if (!item.is_pictured && wanted) return;
    this.chosen.put(item, wanted);
    this.tabs.drawChosen();
  }

  drawChosen() {
    this.tiles.drawChosen();
    this.chosen.draw();
  }

  close() {
    clearTimeout(this.timer);
    this.sight.disconnect();
    this.filters?.close();
    this.tiles.close();
  }
}
