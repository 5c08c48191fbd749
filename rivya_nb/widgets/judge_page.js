// Judging on a page of its own: everything is in the page, and the votes leave it as a file.

import { button, element } from "./dom.js";
import { Judge } from "./judge.js";

const KEPT = "rivya-judge-";

/** False where the browser keeps nothing. */
function canKeep() {
  try {
    localStorage.setItem(KEPT, "");
    localStorage.removeItem(KEPT);
    return true;
  } catch {
    return false;
  }
}

class PageSource {
  constructor(given) {
    Object.assign(this, given);
    this.total = this.pairs.length;
    this.name = KEPT + this.page;
    const kept = this.read();
    this.copy = kept.copy ?? crypto.getRandomValues(new Uint32Array(4)).reduce((text, part) => text + part.toString(16).padStart(8, "0"), "");
    this.votes = new Map(Object.entries(kept.votes ?? {}).map(([place, vote]) => [Number(place), vote]));
    this.canKeep = canKeep();
  }

  read() {
    try {
      return JSON.parse(localStorage.getItem(this.name)) ?? {};
    } catch {
      return {};
    }
  }

  /** Only after a vote: a page that is loaded must not write over what another one has just kept. */
  write() {
    try {
      localStorage.setItem(this.name, JSON.stringify({ copy: this.copy, votes: Object.fromEntries(this.votes) }));
    } catch {
      // The page has said that nothing is kept.
    }
  }

  get judged() {
    return [...this.votes].sort(([, one], [, other]) => one.at - other.at).map(([place]) => place);
  }

  question(place) {
    return this.questions[this.pairs[place][2]];
  }

  async files(place) {
    const addresses = this.pairs[place].slice(0, 2).map((id) => this.shown[id]);
    return addresses.map((src) => ({ src, type: src.slice("data:".length, src.indexOf(";")) }));
  }

  async vote(place, better, seconds) {
    this.votes.set(place, { better, at: Date.now() / 1000, seconds });
    this.write();
  }

  async takeBack(place) {
    this.votes.delete(place);
    this.write();
  }

  sure() {
    return "";
  }

  end() {
    return element("p", {}, "Now save the votes, and send the file to whoever asked you.");
  }

  save() {
    const votes = this.judged.map((place) => ({ place, ...this.votes.get(place) }));
    const text = JSON.stringify({ format: "rivya-votes", version: 1, page: this.page, copy: this.copy, votes });
    const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    element("a", { href: address, download: "votes.json" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }
}

const source = new PageSource(JSON.parse(document.getElementById("judged").textContent));
const host = document.getElementById("judge");
const judge = new Judge(host, source, document);
const save = button("Save the votes", "Save the votes as a file, votes.json", () => source.save(), { class: "save" });
host.append(element("div", { class: "saving" }, save, element("span", {}, "Your votes stay in this browser until you save them as a file.")));
if (!source.canKeep) judge.say("This browser keeps nothing of a page: save the votes before you close it.");
judge.root.focus();
