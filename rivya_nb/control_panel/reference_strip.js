// References (pictures, video, audio): dropped, chosen or pasted, sent to the kernel in pieces, shown as a row of thumbnails, which
// are framed set by set where the sets are an axis. What the kernel and the files say is put in as text, never as
// markup.

import { button, element } from "../widgets/dom.js";
import { watchKernel } from "./insides.js";
import { listenForFiles } from "./reference_arriving.js";
import { Sending } from "./reference_sending.js";
import { PICTURES } from "./picture_tiles.js";

const DRAGGED = "text/x-rivya-reference";

// Where a pressed button is gone, the one that takes it back has the focus.
const BACK = [
  [/^(Move .*) left$/, "$1 right"],
  [/^(Move .*) right$/, "$1 left"],
  [/^Put (.*) together with the one before$/, "Make $1 a set of its own"],
  [/^Make (.*) a set of its own$/, "Put $1 together with the one before"],
];

class Strip {
  constructor(model, host) {
    this.model = model;
    this.sending = new Sending(model, () => this.show(), (name, why) => this.refuse(name, why));
    this.build(host);
    this.show = this.show.bind(this);
    this.answered = (message) => this.sending.answered(message);
    // What one model refuses, another may take.
    this.forget = () => this.refused.replaceChildren();
    model.on("change", this.show);
    model.on("change:rules", this.forget);
    model.on("msg:custom", this.answered);
    this.leave = () => this.sending.close();
    window.addEventListener("pagehide", this.leave);
    this.unwatch = watchKernel(model, () => this.sending.cut());
    this.end = listenForFiles(host, {
      take: (files) => this.take(files),
      refuse: (name, why) => {
        this.refused.replaceChildren();
        this.refuse(name, why);
      },
      mark: (over) => this.add.classList.toggle("rivya-over", over),
    });
    this.listenForPictures(host);
    this.show();
  }

  /** Pictures of the panel's tabs are dropped anywhere on the strip. */
  listenForPictures(host) {
    const isMeant = (event) => event.dataTransfer?.types.includes(PICTURES) && this.model.get("rules").taken;
    host.addEventListener("dragover", (event) => {
      if (!isMeant(event)) return;
      event.preventDefault();
      this.add.classList.add("rivya-over");
    });
    host.addEventListener("dragleave", (event) => host.contains(event.relatedTarget) || this.add.classList.remove("rivya-over"));
    host.addEventListener("drop", (event) => {
      this.add.classList.remove("rivya-over");
      if (!isMeant(event)) return;
      event.preventDefault();
      this.tell("pictures", { jobs: JSON.parse(event.dataTransfer.getData(PICTURES)) });
    });
  }

  build(host) {
    this.input = element("input", { type: "file", multiple: true, hidden: true, onchange: () => {
      this.take([...this.input.files]);
      this.input.value = "";
    } });
    this.add = button(element("span", {}, "drop, paste or choose"), "Add reference", () => this.input.click(), { class: "rivya-drop", title: "" });
    this.add.addEventListener("dragleave", () => this.add.classList.remove("rivya-over"));
    this.words = element("span", { class: "rivya-quiet" });
    this.axis = button("axis", "Several values of References", () => this.tell("axis", { on: !this.model.get("several") }), { class: "rivya-axis" });
    const head = element("div", { class: "rivya-strip-head" }, element("span", { class: "rivya-strip-title" }, "References"), this.words, this.axis);
    this.row = element("div", { class: "rivya-strip" });
    this.refused = element("div", { class: "rivya-mistakes", role: "alert" });
    this.dismissAll = button("dismiss all", "Dismiss all messages about files", () => this.refused.replaceChildren());
    [this.without, this.withoutBox] = this.option("and once without any", () => {
      const on = this.withoutBox.checked;
      // The kernel's answer to an earlier press may come first, and must not take this one back.
      this.model.set("without", on);
      this.tell("without", { on });
    });
    [this.shrink, this.shrinkBox] = this.option("shrink what is too large", () => {
      this.model.set("shrink", this.shrinkBox.checked);
      this.model.save_changes();
    });
    this.shrink.title = "Encodes anew what is larger than the model takes, and pictures of formats that no model takes, such as GIF and TIFF";
    host.classList.add("rivya-references");
    host.append(head, this.row, this.refused, this.without, this.shrink, this.input);
  }

  option(words, onchange) {
    const box = element("input", { type: "checkbox", onchange });
    return [element("label", { class: "rivya-strip-options rivya-quiet" }, box, words), box];
  }

  tell(kind, more = {}) {
    this.model.send({ kind, ...more });
  }

  take(files) {
    this.refused.replaceChildren();
    this.sending.take(files);
  }

  refuse(name, why) {
    const line = element("div", {}, `✕ ${name}: ${why} `);
    line.append(button("dismiss", `Dismiss the message about ${name}`, () => {
      line.remove();
      this.showDismissAll();
    }));
    this.refused.append(line);
    this.showDismissAll();
  }

  showDismissAll() {
    this.dismissAll.remove();
    if (this.refused.childElementCount > 1) this.refused.append(this.dismissAll);
  }

  // Cards

  card(item, place, items) {
    const { key, name, about, length } = item;
    const picture = element("img", { src: item.thumbnail, draggable: false, alt: `Reference ${place + 1}: ${name}`, title: `${name} · ${about}` });
    const tools = element("div", { class: "rivya-strip-tools" });
    const act = (kind, more) => () => this.tell(kind, { card: key, ...more });
    if (place > 0) tools.append(button("‹", `Move ${name} left`, act("step", { forward: false })));
    if (place < items.length - 1) tools.append(button("›", `Move ${name} right`, act("step", { forward: true })));
    tools.append(button("×", `Remove ${name}`, act("remove")));
    const made = element("div", { class: "rivya-strip-card", draggable: true }, picture, tools);
    if (length) made.append(element("div", { class: "rivya-strip-length" }, `▶ ${length}`));
    made.append(element("div", { class: "rivya-strip-name", title: name }, name));
    made.append(element("div", { class: "rivya-strip-name rivya-quiet", title: about }, about));
    if (this.model.get("several")) {
      const isAlone = items.filter((each) => each.set === item.set).length === 1;
      if (!isAlone) made.append(button("its own", `Make ${name} a set of its own`, act("split")));
      else if (item.set > 0) made.append(button("together", `Put ${name} together with the one before`, act("join")));
    }
    if (item.recallable) made.append(button("Recall settings", `Recall the settings of ${name}`, act("recall")));
    made.addEventListener("dragstart", (event) => event.dataTransfer.setData(DRAGGED, key));
    made.addEventListener("dragover", (event) => event.dataTransfer.types.includes(DRAGGED) && event.preventDefault());
    made.addEventListener("drop", (event) => {
      const from = event.dataTransfer.getData(DRAGGED);
      if (from === "") return;
      event.preventDefault();
      event.stopPropagation();
      this.tell("move", { card: from, to: key });
    });
    return made;
  }

  waiting([which, { file, answered }]) {
    const bar = element("progress", { max: file.size, value: answered, "aria-label": `Sending ${file.name}` });
    const cancel = button("×", `Do not send ${file.name}`, () => this.sending.cancel(which));
    const tools = element("div", { class: "rivya-strip-tools" }, cancel);
    return element("div", { class: "rivya-strip-card" }, bar, tools, element("div", { class: "rivya-strip-name" }, file.name));
  }

  /** The cards in a row, or in frames with the numbers of their sets. */
  cards(items) {
    const cards = items.map((item, place) => this.card(item, place, items));
    if (!this.model.get("several")) return cards;
    const frames = new Map();
    for (const [place, { set }] of items.entries()) frames.set(set, [...(frames.get(set) ?? []), cards[place]]);
    return [...frames].map(([set, inside]) =>
      element("div", { class: "rivya-strip-set", role: "group", "aria-label": `Set ${set + 1} of references` },
        element("div", { class: "rivya-strip-number rivya-quiet", "aria-hidden": "true" }, String(set + 1)),
        element("div", { class: "rivya-strip" }, ...inside)));
  }

  show() {
    const { model } = this;
    const [items, rules, several, values] = ["items", "rules", "several", "values"].map((name) => model.get(name));
    const sizes = items.map((item) => items.filter((each) => each.set === item.set).length);
    this.words.textContent = rules.words.replace("{n}", several && items.length ? `up to ${Math.max(...sizes)}` : items.length);
    this.axis.hidden = !rules.taken && !several;
    this.axis.textContent = several && values > 1 ? `axis · ${values}` : "axis";
    this.axis.setAttribute("aria-pressed", String(several));
    this.axis.classList.toggle("mod-active", several);
    this.without.hidden = !several;
    this.withoutBox.checked = model.get("without");
    this.shrink.hidden = !rules.taken;
    this.shrinkBox.checked = model.get("shrink");
    this.add.disabled = !rules.taken;
    this.input.accept = rules.accept;
    this.keepFocus(() => this.row.replaceChildren(...this.cards(items), ...[...this.sending.files].map((each) => this.waiting(each)), this.add));
  }

  /** Redraw the row; the focus stays on the button of the same name, or goes to the one that takes a press back, or
   * that removes what stands in the place of what was removed. */
  keepFocus(redraw) {
    const before = [...this.row.querySelectorAll("button")];
    const focused = before.indexOf(document.activeElement);
    const name = before[focused]?.getAttribute("aria-label");
    redraw();
    if (focused < 0) return;
    const now = [...this.row.querySelectorAll("button")];
    const named = (wanted) => now.filter((each) => each.getAttribute("aria-label") === wanted)
      .sort((a, b) => Math.abs(now.indexOf(a) - focused) - Math.abs(now.indexOf(b) - focused))[0]; // of two the nearer
    const back = BACK.filter(([pressed]) => pressed.test(name)).map(([pressed, other]) => named(name.replace(pressed, other)));
    const removes = (buttons) => buttons.filter((each) => each.getAttribute("aria-label").startsWith("Remove "));
    const removed = removes(before).indexOf(before[focused]);
    const next = removed < 0 ? now[focused] : removes(now).slice(0, removed + 1).pop();
    (named(name) ?? back.find(Boolean) ?? next ?? this.add).focus();
  }

  close() {
    this.unwatch();
    this.end();
    window.removeEventListener("pagehide", this.leave);
    this.model.off("change", this.show);
    this.model.off("change:rules", this.forget);
    this.model.off("msg:custom", this.answered);
    this.leave();
  }
}

function render({ model, el }) {
  const strip = new Strip(model, el);
  return () => strip.close();
}

export default { render };
