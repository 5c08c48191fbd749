// What every front end of the package makes its elements with. Prompts, names and messages are foreign text: they
// become text nodes, properties and attributes, never markup.

const FOCUSABLE = new Set(["button", "input", "select", "textarea"]);

/** An attribute; true is one without a value, false and nothing take it away. */
export function set(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? "" : value);
}

/** An element; what is given by name is a property where it has one, as `onclick`, and else an attribute. */
export function element(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  // JupyterLab would take single keys for its own: 0 0 restarts a kernel, d d deletes a cell.
  if (FOCUSABLE.has(tag) || "tabindex" in given) set(made, "data-lm-suppress-shortcuts", true);
  for (const [name, value] of Object.entries(given)) {
    if (name in made) made[name] = value;
    else set(made, name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
}

/** A button that shows `content`, a text or nodes, and is called `name`. */
export function button(content, name, act, more = {}) {
  return element("button", { type: "button", title: name, "aria-label": name, onclick: act, ...more }, ...[content].flat());
}
