// A combobox of models, after the pattern of the ARIA practices: type to filter, arrows to move, Enter to choose.

import { button, element } from "../widgets/dom.js";

// Every typed word has to occur somewhere in what is known of a model.
function fits(model, typed) {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const text = `${model.id} ${model.name} ${model.detail}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

function render({ model, el }) {
  // Every panel has a module of its own, which could not count the others.
  const id = `rivya-models-${Math.random().toString(36).slice(2)}`;
  const label = element("label", { class: "widget-label", htmlFor: `${id}-input` }, "Model");
  const list = element("ul", { id: `${id}-list`, class: "rivya-models", hidden: true, role: "listbox", "aria-label": "Choices" });
  const input = element("input", {
    id: `${id}-input`, type: "text", autocomplete: "off", spellcheck: false,
    role: "combobox", "aria-controls": list.id, "aria-autocomplete": "list",
  });
  const chips = element("div", { class: "rivya-model-chips" });
  const axis = button("", "Several values of Model", takeSeveral, { class: "rivya-axis" });
  let shown = [];
  let active = -1;

  const values = () => model.get("values");
  // As an axis, the box is empty and takes one more; what is chosen stands above it.
  const written = () => (model.get("several") ? "" : (values()[0] ?? ""));

  function put(chosen) {
    model.set("values", chosen);
    model.save_changes();
  }

  function isOpen() {
    return !list.hidden;
  }

  function close() {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    input.value = written();
  }

  // Of an axis one value at least is left: a click on the last one changes nothing.
  function toggle(id) {
    const rest = values().filter((each) => each !== id);
    if (rest.length) put(rest.length < values().length ? rest : [...rest, id]);
  }

  function choose(entry) {
    if (!entry.available) return;
    if (model.get("several")) toggle(entry.id);
    else put([entry.id]);
    close();
  }

  function chip(id) {
    const remove = button("×", `Remove ${id}`, () => toggle(id), { disabled: values().length < 2 });
    return element("span", { class: "rivya-model-chip" }, id, remove);
  }

  function option(entry, place) {
    const given = {
      id: `${id}-${place}`,
      role: "option",
      "aria-selected": String(values().includes(entry.id)),
      "aria-disabled": String(!entry.available),
      // On mousedown the input would lose its focus, and the list would be gone before the click.
      onmousedown: (event) => event.preventDefault(),
      onclick: () => choose(entry),
    };
    return element("li", given,
      element("span", { class: "rivya-model-id" }, entry.id), element("span", { class: "rivya-quiet" }, entry.detail));
  }

  function open(typed) {
    shown = model.get("models").filter((entry) => fits(entry, typed));
    list.replaceChildren(...shown.map(option));
    if (!shown.length) list.append(element("li", { class: "rivya-quiet", role: "option", "aria-disabled": "true" }, "no model fits"));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    move(shown.findIndex((entry) => entry.available && (typed || values().includes(entry.id))));
  }

  function move(place) {
    list.children[active]?.classList.remove("rivya-active");
    active = Math.max(-1, Math.min(shown.length - 1, place));
    const current = active >= 0 ? list.children[active] : null;
    current?.classList.add("rivya-active");
    current?.scrollIntoView({ block: "nearest" });
    // Where both are not in sight, in an output that scrolls, one still has to see what one types.
    if (current) input.scrollIntoView({ block: "nearest" });
    if (current) input.setAttribute("aria-activedescendant", current.id);
    else input.removeAttribute("aria-activedescendant");
  }

  const keys = {
    ArrowDown: () => (isOpen() ? move(active + 1) : open("")),
    ArrowUp: () => (isOpen() ? move(active - 1) : open("")),
    Enter: () => (isOpen() ? shown[active] && choose(shown[active]) : open("")),
    Escape: close,
  };

  input.addEventListener("keydown", (event) => {
    // Jupyter has shortcuts of its own for most keys.
    event.stopPropagation();
    const act = keys[event.key];
    if (act && (isOpen() || event.key !== "Escape")) {
      event.preventDefault();
      act();
    }
  });
  input.addEventListener("input", () => open(input.value));
  input.addEventListener("click", () => {
    if (!isOpen()) {
      input.select();
      open("");
    }
  });
  input.addEventListener("blur", close);

  function takeSeveral() {
    model.set("several", !model.get("several"));
    put(values().slice(0, 1));
  }

  function show() {
    const several = model.get("several");
    axis.setAttribute("aria-pressed", String(several));
    axis.classList.toggle("mod-active", several);
    axis.textContent = values().length > 1 ? `axis · ${values().length}` : "axis";
    input.placeholder = several ? "add a model" : "";
    const focused = [...chips.querySelectorAll("button")].indexOf(document.activeElement);
    chips.replaceChildren(...(several ? values().map(chip) : []));
    // The next chip's button takes the focus of one that was pressed and is gone.
    if (focused >= 0) ([...chips.querySelectorAll("button:enabled")].slice(0, focused + 1).pop() ?? input).focus();
    if (!isOpen()) input.value = written();
  }
  model.on("change:values change:several", show);
  close();
  show();
  el.classList.add("rivya-model-picker");
  el.append(label, axis, chips, element("div", { class: "rivya-model-box" }, input, list));
  return () => model.off("change:values change:several", show);
}

export default { render };
