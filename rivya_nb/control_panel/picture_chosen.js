// The pictures that were chosen, on whatever page, what can be done with them, and how that went.

import { button, element } from "../widgets/dom.js";
import { cellsToCopy, showWhole } from "./cells.js";
import { FAVOURITE } from "../widgets/marks.js";
import { STARS, select } from "./gallery_filters.js";

export class Chosen {
  constructor(tab) {
    this.tab = tab;
    this.jobs = tab.tabs.jobs;
    this.tool = null; // the one that has a question below the bar
    this.bar = element("div", { class: "rivya-bar" });
    this.said = element("div", { class: "rivya-said", role: "status" });
  }

  has({ job }) {
    return this.jobs.has(job);
  }

  put({ job }, wanted) {
    if (wanted) this.jobs.add(job);
    else this.jobs.delete(job);
  }

  drop(jobs) {
    for (const job of jobs) this.jobs.delete(job);
    this.tab.tabs.drawChosen();
  }

  /** The name of the tool that has the focus, null for none. */
  get focused() {
    return this.bar.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
  }

  /** Whether there is a tool of this name to give the focus to. */
  focusOn(name) {
    const found = [...this.bar.children].find((each) => name && each.getAttribute("aria-label") === name);
    found?.focus();
    return Boolean(found);
  }

  draw() {
    const { focused } = this;
    this.bar.replaceChildren(...(this.jobs.size ? this.tools([...this.jobs]) : []));
    if (focused && !this.focusOn(focused)) this.tab.tiles.focusOn(this.tab.tiles.current, true);
  }

  tools(jobs) {
    const { tab } = this;
    const all = (kind, more) => () => tab.act(kind, jobs, more);
    const rate = select("Rate the chosen results", [["", "Rate…"], ["0", "no rating"], ...STARS]);
    rate.addEventListener("change", () => rate.value && tab.act("rate", jobs, { rating: Number(rate.value) }));
    return [
      element("span", { class: "rivya-quiet" }, `${jobs.length} chosen${this.away(jobs, ", ")}:`),
      button("Compare", "Compare the chosen results", () => tab.compare(jobs)),
      button("Grid", "Show the chosen results as a grid", all("grid")),
      button("Save…", "Save the chosen results", () => this.askFolder(jobs)),
      rate,
      button(`${FAVOURITE} Favourite`, "Mark the chosen results as favourites", all("favourite")),
      button("Use as reference", "Use the chosen results as references", all("reference")),
      button("To code", "Show the cells that ask for the chosen results", all("code")),
      button("Delete…", "Delete the chosen results", () => this.askDelete(jobs)),
      button("None", "Choose none", () => this.drop(jobs)),
    ];
  }

  /** That some of them are not seen here: what is done is done to them too. */
  away(jobs, before) {
    const here = new Set(this.tab.page.items.map(({ job }) => job));
    const away = jobs.filter((job) => !here.has(job)).length;
    if (!away) return "";
    const which = jobs.length === 1 ? "it is" : away === 1 ? "1 of them is" : `${away} of them are`;
    return `${before}${which} ${this.tab.filters ? "not on this page" : "not in this tab"}`;
  }

  say({ text, wrong, step }) {
    this.tool = null;
    const words = element("span", { class: wrong ? "rivya-mistakes" : "" }, text);
    const undo = button("Undo", "Undo", () => this.tab.act("undo", [], { step }));
    this.said.replaceChildren(words, ...(step ? [undo] : []));
  }

  /** Ask something above the bar; `tool` is the one that asks, where one comes back to without an answer. */
  ask(tool, ...nodes) {
    this.tool = tool;
    this.said.replaceChildren(...nodes);
  }

  escape(event) {
    if (event.key !== "Escape" || !this.tool) return;
    event.stopPropagation();
    this.dismiss();
  }

  /** Take what stands below the bar away; the focus that is there goes back to where it came from. */
  dismiss() {
    const isHere = this.said.contains(document.activeElement);
    this.said.replaceChildren();
    if (isHere && !this.focusOn(this.tool)) this.tab.tiles.focusOn(this.tab.tiles.current, true);
    this.tool = null;
  }

  askFolder(jobs) {
    const folder = element("input", { type: "text", value: "pictures", "aria-label": "Folder to save into" });
    const save = () => this.tab.act("save", jobs, { folder: folder.value });
    folder.addEventListener("keydown", (event) => event.key === "Enter" && save());
    const sure = button("Save", "Save into this folder", save);
    const cancel = button("Cancel", "Cancel", () => this.dismiss());
    this.ask("Save the chosen results", element("span", {}, "into the folder "), folder, sure, cancel);
    folder.focus();
  }

  askDelete(jobs) {
    const sure = button("Delete", "Delete them for good", () => {
      this.drop(jobs);
      this.tab.act("delete", jobs);
    });
    const what = jobs.length === 1 ? "this one for good? What it" : `these ${jobs.length} for good? What they`;
    const question = `Delete ${what} cost stays on record${this.away(jobs, "; ")}. `;
    const keep = button("Keep", "Keep them", () => this.dismiss());
    this.ask("Delete the chosen results", element("span", {}, question), sure, keep);
    keep.focus(); // A key held too long must not delete.
  }

  showCode(cells) {
    this.tool = null;
    const shown = element("div", { class: "rivya-code" }, cellsToCopy(cells), button("Close", "Close the cells", () => this.dismiss()));
    this.said.replaceChildren(shown);
    showWhole(shown);
  }
}
