// Cells of a notebook as text that is read and copied.

import { button, element } from "../widgets/dom.js";

/** These cells in their order. Each is copied by itself: a second `%%rivya` in one would be a part of its prompt. */
export function cellsToCopy(cells) {
  const shown = cells.flatMap((text, place) => {
    const name = cells.length > 1 ? `Copy cell ${place + 1} of ${cells.length}` : "Copy the cell";
    const copy = button("Copy", name, async () => {
      copy.textContent = (await copyText(text)) ? "Copied" : "Select the text to copy it";
    });
    return [element("pre", { tabIndex: 0 }, text), copy];
  });
  return element("div", { class: "rivya-cells" }, ...shown);
}

/** Scroll what has just been opened into view, once it is drawn. */
export function showWhole(node) {
  requestAnimationFrame(() => node.scrollIntoView({ block: "nearest" }));
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages that are not served securely have no clipboard; the text stands there to be selected.
    return false;
  }
}
