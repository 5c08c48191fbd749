// A combobox of models, after the pattern of the ARIA practices: type to filter, arrows to move, Enter to choose.

import { button, element } from "../widgets/dom.js";
import { Choices } from "./model_choices.js";

class Picker {
  constructor(model, host) {
    this.model = model;
    // Every panel has a module of its own, which could not count the others.
    const id = `rivya-models-${Math.random().toString(36).slice(2)}`;
    this.choices = new Choices(id, (entry) => this.choose(entry));
    this.input = element("input", {
      id: `${id}-input`, type: "text", autocomplete: "off", spellcheck: false,
      role: "combobox", "aria-controls": this.choices.node.id, "aria-autocomplete": "list",
    });
    this.chips = element("div", { class: "rivya-model-chips" });
    this.axis = button("", "Several values of Model", () => this.takeSeveral(), { class: "rivya-axis" });
    this.said = element("div", { class: "rivya-model-said", role: "status" });
    const label = element("label", { class: "widget-label", htmlFor: this.input.id }, "Model");
    host.classList.add("rivya-model-picker");
    host.append(label, this.axis, this.chips, element("div", { class: "rivya-model-box" }, this.input, this.said, this.choices.node));
    this.listen();
    this.close();
    this.show();
  }

  listen() {
    const { input } = this;
    input.addEventListener("keydown", (event) => this.press(event));
    input.addEventListener("input", () => this.open(input.value));
    input.addEventListener("click", () => {
      if (!this.choices.isOpen) {
        input.select();
        this.open("");
      }
    });
    input.addEventListener("blur", () => this.close());
    this.show = this.show.bind(this);
    this.model.on("change:values change:several", this.show);
  }

  leave() {
    this.model.off("change:values change:several", this.show);
  }

  // What is chosen

  get values() {
    return this.model.get("values");
  }

  put(chosen) {
    this.model.set("values", chosen);
    this.model.save_changes();
  }

  choose(entry) {
    if (entry.why) {
      this.said.textContent = `${entry.id} cannot be asked: ${entry.why}`;
      return;
    }
    if (this.model.get("several")) this.toggle(entry.id);
    else this.put([entry.id]);
    this.close();
  }

  // Of an axis one value at least is left: a click on the last one changes nothing.
  toggle(id) {
    const rest = this.values.filter((each) => each !== id);
    if (rest.length) this.put(rest.length < this.values.length ? rest : [...rest, id]);
  }

  takeSeveral() {
    this.model.set("several", !this.model.get("several"));
    this.put(this.values.slice(0, 1));
  }

  // What is shown

  show() {
    const several = this.model.get("several");
    this.axis.setAttribute("aria-pressed", String(several));
    this.axis.classList.toggle("mod-active", several);
    this.axis.textContent = this.values.length > 1 ? `axis · ${this.values.length}` : "axis";
    this.input.placeholder = several ? "add a model" : "";
    this.showChips(several ? this.values : []);
    if (!this.choices.isOpen) this.writeChosen();
  }

  showChips(ids) {
    const enabled = () => [...this.chips.querySelectorAll("button:enabled")];
    const focused = [...this.chips.querySelectorAll("button")].indexOf(document.activeElement);
    this.chips.replaceChildren(...ids.map((id) => this.chip(id)));
    // The next chip's button takes the focus of one that was pressed and is gone.
    if (focused >= 0) (enabled().slice(0, focused + 1).pop() ?? this.input).focus();
  }

  chip(id) {
    const remove = button("×", `Remove ${id}`, () => this.toggle(id), { disabled: this.values.length < 2 });
    return element("span", { class: "rivya-model-chip" }, id, remove);
  }

  // As an axis, the box is empty and takes one more; what is chosen stands above it.
  writeChosen() {
    this.input.value = this.model.get("several") ? "" : (this.values[0] ?? "");
  }

  // The list

  open(typed) {
    this.choices.open(this.model.get("models"), this.values, typed);
    this.input.setAttribute("aria-expanded", "true");
    this.sayActive();
  }

  close() {
    this.choices.close();
    this.input.setAttribute("aria-expanded", "false");
    this.sayActive();
    this.writeChosen();
  }

  move(step) {
    if (!this.choices.isOpen) {
      this.open("");
      return;
    }
    this.choices.move(step);
    this.sayActive();
  }

  sayActive() {
    this.said.textContent = "";
    const { activeNode } = this.choices;
    // Where both are not in sight, in an output that scrolls, one still has to see what one types.
    if (activeNode) this.input.scrollIntoView({ block: "nearest" });
    if (activeNode) this.input.setAttribute("aria-activedescendant", activeNode.id);
    else this.input.removeAttribute("aria-activedescendant");
  }

  take() {
    const { isOpen, activeEntry } = this.choices;
    if (!isOpen) this.open("");
    else if (activeEntry) this.choose(activeEntry);
  }

  press(event) {
    // Jupyter has shortcuts of its own for most keys.
    event.stopPropagation();
    const { key } = event;
    if (key === "ArrowDown") this.move(1);
    else if (key === "ArrowUp") this.move(-1);
    else if (key === "Enter") this.take();
    else if (key === "Escape" && this.choices.isOpen) this.close();
    else return;
    event.preventDefault();
  }
}

export default {
  render({ model, el }) {
    const picker = new Picker(model, el);
    return () => picker.leave();
  },
};
