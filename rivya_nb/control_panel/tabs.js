// The tabs of a panel: the gallery, a tab for each run and each grid, and the one of the viewer, which is a widget of
// its own beside this one. What is chosen is chosen in all of them.

import { button, element, send, set } from "../widgets/dom.js";
import { PictureTab } from "./picture_tab.js";

const VIEWER = "look";

class Tabs {
  constructor(model, host) {
    this.model = model;
    this.host = host;
    this.id = `rivya-tabs-${crypto.getRandomValues(new Uint32Array(1))[0]}`; // A panel may be shown twice.
    this.jobs = new Set(); // the chosen ones, in the order of choosing
    this.made = new Map(); // by a tab's id: its part of the list, its pane, and its pictures once they were seen
    this.closed = new Set(); // The kernel may be busy, and take them away later.
    this.list = element("div", { class: "rivya-tabs", role: "tablist", "aria-label": "Results" });
    this.list.addEventListener("keydown", (event) => this.press(event));
    host.classList.add("rivya-pictures");
    host.append(this.list);
    this.draw = this.draw.bind(this);
    this.answered = (message, buffers) => this.made.get(message.tab)?.pictures?.answered(message, buffers);
    model.on("change:tabs change:chosen", this.draw);
    model.on("msg:custom", this.answered);
    this.draw();
  }

  get tabs() {
    return this.model.get("tabs").filter(({ id }) => !this.closed.has(id));
  }

  /** The id of the tab that is seen. */
  get chosen() {
    const chosen = this.model.get("chosen");
    return this.tabs.some(({ id }) => id === chosen) ? chosen : this.tabs[0]?.id;
  }

  draw() {
    const known = this.model.get("tabs").map(({ id }) => id);
    // Once the kernel has closed one, it may be opened again.
    for (const id of this.closed) if (!known.includes(id)) this.closed.delete(id);
    const { chosen, tabs } = this;
    for (const id of [...this.made.keys()]) if (!tabs.some((tab) => tab.id === id)) this.drop(id);
    tabs.forEach((tab, place) => {
      if (!this.made.has(tab.id)) this.made.set(tab.id, this.make(tab));
      const made = this.made.get(tab.id);
      if (this.list.children[place] !== made.node) this.list.insertBefore(made.node, this.list.children[place] ?? null);
      const isChosen = tab.id === chosen;
      made.name.textContent = tab.title;
      set(made.name, "aria-selected", String(isChosen));
      made.name.tabIndex = isChosen ? 0 : -1;
      made.pane.hidden = !isChosen;
      if (isChosen && !made.pictures && tab.kind !== VIEWER) made.pictures = new PictureTab(this, tab, made.pane);
    });
  }

  make({ id, title, kind }) {
    const pane = element("div", { id: `${this.id}-${id}`, class: `rivya-pane rivya-pane-${kind}` });
    if (kind !== VIEWER) {
      pane.role = "tabpanel";
      set(pane, "aria-labelledby", `${pane.id}-name`);
    }
    const name = element("button", { type: "button", id: `${pane.id}-name`, role: "tab", "aria-controls": pane.id, onclick: () => this.choose(id) });
    const close = () => this.close(id);
    const node = element("div", { class: "rivya-tab", role: "presentation" }, name);
    if (kind !== "gallery") {
      name.title = `${title}\nDelete closes it`;
      set(name, "aria-keyshortcuts", "Delete");
      node.append(button("×", `Close ${title}`, close, { class: "rivya-close", tabIndex: -1 }));
    }
    this.host.append(pane);
    return { node, name, pane, pictures: null };
  }

  /** Take a tab away; the focus that was in it goes to the tab that is seen now. */
  drop(id) {
    const { node, pane, pictures } = this.made.get(id);
    const isFocused = node.contains(document.activeElement) || pane.contains(document.activeElement);
    pictures?.close();
    node.remove();
    pane.remove();
    this.made.delete(id);
    if (isFocused) requestAnimationFrame(() => this.made.get(this.chosen)?.name.focus());
  }

  choose(id) {
    this.model.set("chosen", id);
    this.model.save_changes();
  }

  close(id) {
    const { tabs } = this;
    const place = tabs.findIndex((tab) => tab.id === id);
    if (this.chosen === id) this.choose((tabs[place + 1] ?? tabs[place - 1]).id);
    this.closed.add(id);
    send(this.model, { kind: "close", tab: id });
    this.draw();
  }

  press(event) {
    const { tabs } = this;
    const place = tabs.findIndex((tab) => this.made.get(tab.id).name === event.target);
    const last = tabs.length - 1;
    const to = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: last }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || place < 0) return;
    if (event.key === "Delete" && tabs[place].kind !== "gallery") this.close(tabs[place].id);
    else if (to !== undefined) {
      const { id } = tabs[Math.max(0, Math.min(last, to))];
      this.choose(id);
      this.made.get(id).name.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Show in all tabs what is chosen now. */
  drawChosen() {
    for (const { pictures } of this.made.values()) pictures?.drawChosen();
  }

  end() {
    this.model.off("change:tabs change:chosen", this.draw);
    this.model.off("msg:custom", this.answered);
    for (const { pictures } of this.made.values()) pictures?.close();
  }
}

export default {
  render({ model, el }) {
    const tabs = new Tabs(model, el);
    return () => tabs.end();
  },
};
