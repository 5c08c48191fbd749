// All that the panel takes from inside ipywidgets, anywidget and JupyterLab, since there is no public way to it. Each
// part is left out where that inside is another one day, and the panel works on without it:
// - held changes (`_msg_buffer`): a click may then get to the kernel before the last change of a control that the kernel
//   has not answered yet, and mean the form as it was before;
// - the end of the kernel (`widget_manager.kernel`): it is then noticed with the next message that cannot be sent;
// - names (classes of ipywidgets' elements; ipywidgets draws them when it likes and tells nobody, so that a
//   MutationObserver looks for them): those who hear the page then miss names, and a lost focus is not brought back.

import { set } from "../widgets/dom.js";

const ENDS = new Set(["restarting", "autorestarting", "terminating", "dead"]);
const PAUSE = 1000; // milliseconds without a letter until what became of the letters is read out
const PROMPT_KEYS = "Ctrl+Enter (on a Mac Cmd+Enter) presses Generate";

/** `act` is called with what has become of the kernel when it is restarted or ends; gives what ends the watching. */
export function watchKernel(model, act) {
  // The managers of JupyterLab, Notebook and Voilà have it. Where there is none, the next message that cannot be sent tells.
  const changes = model.widget_manager?.kernel?.statusChanged;
  const heard = (_, status) => {
    if (ENDS.has(status)) act(status.endsWith("restarting") ? "was restarted" : "has ended");
  };
  changes?.connect(heard);
  return () => changes?.disconnect(heard);
}

// Sends what ipywidgets (7 and 8) holds back of a widget, and of all that is in it: changes of a control whose earlier
// change the kernel has not answered. A click is not held back, and would get there first.
export function sendHeldChanges(model) {
  const held = model._msg_buffer;
  if (held && model.send_sync_message) {
    const callbacks = model._msg_buffer_callbacks;
    model._msg_buffer = null;
    model._msg_buffer_callbacks = null;
    const message = model.send_sync_message(held, callbacks ?? {});
    model.rememberLastUpdateFor?.(message);
  }
  for (const child of model.get("children") ?? []) sendHeldChanges(child);
}

// Keeps a panel's elements so for as long as it stands there; `view` tells it from others of the same panel.
export function makeAccessible(root, view) {
  let telling = 0;
  let made = 0;

  function newId(kind) {
    made += 1;
    return `rivya-${kind}-${view}-${made}`;
  }

  // ipywidgets has no accessible names of its own: a button that shows a sign is called what its tooltip says on
  // its first line, and described by what follows; one that stays pressed says so, and a slider and the number
  // beside it are called what their label says.
  function nameControls() {
    for (const button of root.querySelectorAll("button.jupyter-button[title]")) {
      const [name, ...more] = button.getAttribute("title").split("\n");
      if (name) set(button, "aria-label", name);
      set(button, "aria-description", more.join(" ") || null);
      if (button.classList.contains("widget-toggle-button")) {
        button.setAttribute("aria-pressed", String(button.classList.contains("mod-active")));
      }
    }
    const prompt = root.querySelector(".rivya-prompt textarea");
    if (prompt && !prompt.title) prompt.title = PROMPT_KEYS;
    for (const options of root.querySelectorAll(".rivya-options")) {
      set(options, "role", "group");
      set(options, "aria-label", options.parentElement.querySelector(".rivya-options-name")?.textContent.trim());
    }
    // Where the focus goes when a row's button has gone.
    for (const row of root.querySelectorAll(".rivya-run-row")) {
      set(row, "role", "group");
      set(row, "aria-label", row.querySelector("b")?.textContent);
    }
    for (const slider of root.querySelectorAll(".widget-slider")) {
      const name = slider.querySelector(".widget-label")?.textContent ?? "";
      slider.querySelector("[role=slider]")?.setAttribute("aria-label", name);
      const number = slider.querySelector("[contenteditable]");
      number?.setAttribute("role", "textbox");
      number?.setAttribute("aria-label", `${name}, as a number`);
    }
  }

  // The viewer's place is a box of ipywidgets, which cannot be given a role there.
  function nameViewer() {
    const place = root.querySelector(".rivya-looked");
    const tab = root.querySelector(".rivya-tabs [aria-controls$='-look']");
    if (!place) return;
    set(place, "role", tab ? "tabpanel" : null);
    set(place, "aria-labelledby", tab?.id);
  }

  // What is wrong with a control stands beside it; it is heard there too by those who come back to it.
  function nameMistakes() {
    for (const control of root.querySelectorAll(".rivya-control")) {
      // Where mistakes will stand, there may be none yet.
      const mistakes = [...control.querySelectorAll(".rivya-mistakes")].find((each) => each.textContent);
      if (mistakes) mistakes.id ||= newId("mistakes");
      for (const field of control.querySelectorAll("input, select, textarea, [role=slider]")) {
        set(field, "aria-invalid", mistakes ? "true" : null);
        set(field, "aria-describedby", mistakes ? mistakes.id : null);
      }
    }
  }

  // What Generate would do, what it waits for, what Stop did, and how a run has ended is read out when it has
  // changed; not at each letter, but once the user pauses.
  const read = ":is(.rivya-summary, .rivya-reason, .rivya-told, .rivya-heard)";
  const spoken = () => root.querySelectorAll(`${read} .widget-html-content`);

  function nameSpoken() {
    for (const content of spoken()) set(content, "role", "status");
  }

  function holdTongue() {
    for (const content of spoken()) set(content, "aria-busy", "true");
    clearTimeout(telling);
    telling = setTimeout(() => {
      for (const content of spoken()) content.removeAttribute("aria-busy");
    }, PAUSE);
  }

  function nameAll() {
    nameControls();
    nameViewer();
    nameMistakes();
    nameSpoken();
  }

  // A control that goes away under the focus leaves it to the nearest box that stood around it: to no other
  // control, since the next key would press that.
  let held = [];
  const isThere = (node) => node.isConnected && !node.disabled && node.getClientRects().length > 0;

  function hold(event) {
    held = [];
    for (let node = event.target; node && node !== root.parentElement; node = node.parentElement) held.push(node);
  }

  function letGo() {
    // Only by then it is known whether the control has gone, or the user.
    setTimeout(() => {
      if (held.length && isThere(held[0]) && !root.contains(document.activeElement)) held = [];
    }, 0);
  }

  function rescueFocus() {
    if (!held.length || isThere(held[0])) return;
    const current = document.activeElement;
    if (current && current !== document.body && current !== held[0]) return;
    const box = held.slice(1).find((node) => isThere(node) && node.offsetHeight > 0);
    held = [];
    if (!box) return;
    if (!box.hasAttribute("tabindex")) box.tabIndex = -1;
    box.focus({ preventScroll: true });
  }

  const observer = new MutationObserver(() => {
    nameAll();
    // The page notices a hidden or disabled control's focus when it is drawn.
    if (held.length && !isThere(held[0])) setTimeout(rescueFocus, 30);
  });
  const onRoot = [["focusin", hold], ["focusout", letGo], ["input", holdTongue]];
  observer.observe(root, { subtree: true, childList: true, attributeFilter: ["title", "class", "style", "disabled"] });
  for (const [name, listener] of onRoot) root.addEventListener(name, listener);
  nameAll();
  return () => {
    clearTimeout(telling);
    observer.disconnect();
    for (const [name, listener] of onRoot) root.removeEventListener(name, listener);
  };
}
