// Functions that create the elements of every front end. Prompts, names and messages are foreign text: they become
// text nodes, properties and attributes, never markup.

const FOCUSABLE = new Set(["button", "input", "select", "textarea"]);

/** Set an attribute; true sets it without a value, false and undefined remove it. */
export function set(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? "" : value);
}

/** Create an element; a given name is a property if the element has one, as `onclick`, else an attribute. */
export function element(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  // JupyterLab would handle single keys as its shortcuts: 0 0 restarts a kernel, d d deletes a cell.
  if (FOCUSABLE.has(tag) || "tabindex" in given) set(made, "data-lm-suppress-shortcuts", true);
  for (const [name, value] of Object.entries(given)) {
    if (name in made) made[name] = value;
    else set(made, name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
}

/** Whether the keyboard focus is in an element; of what stands in a shadow, the document knows only the shadow's host. */
export function holdsFocus(node) {
  return node.contains(node.getRootNode().activeElement);
}

/** A button with `content`, a text or nodes, and the accessible name `name`. */
export function button(content, name, act, more = {}) {
  return element("button", { type: "button", title: name, "aria-label": name, onclick: act, ...more }, ...[content].flat());
}

/** Send a message to the kernel. False if there is none any more that this widget belongs to: it was restarted. */
export function send(model, content, buffers = []) {
  try {
    model.send(content, {}, buffers);
    return true;
  } catch {
    return false;
  }
}
