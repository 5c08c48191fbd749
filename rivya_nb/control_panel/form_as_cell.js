// The cells that ask for what stands in the form.

import { element } from "../widgets/dom.js";
import { cellsToCopy, showWhole } from "./cells.js";

const WAITING = "There is a cell as soon as nothing is wrong in the form";

function render({ model, el }) {
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", "The form as a cell");

  function show() {
    const cells = model.get("cells");
    el.replaceChildren(cells.length ? cellsToCopy(cells) : element("span", { class: "rivya-quiet" }, WAITING));
  }

  model.on("change:cells", show);
  show();
  showWhole(el);
  return () => model.off("change:cells", show);
}

export default { render };
