// Says so when the kernel does not answer a click or a key, keeps an impatient second click on "Generate" from buying twice, and
// Jupyter's shortcuts out of the panel. It draws nothing but one line.

import { send } from "../widgets/dom.js";
import { keepOutOfSaves } from "../widgets/saves.js";
import { makeAccessible, sendHeldChanges, watchKernel } from "./insides.js";

const REOPEN = "and its panel with it. Run the panel's cell again: it opens as it stood before; what is typed here now is not kept.";
const PATIENCE = 300; // milliseconds until a silent kernel is worth a word
const SUSPICION = 10_000; // milliseconds until it may be gone: not every restart closes a panel's connection

function render({ model, el }) {
  keepOutOfSaves(model.widget_manager);
  const line = document.createElement("div");
  line.className = "rivya-watch";
  line.setAttribute("role", "status");
  el.append(line);
  const view = crypto.getRandomValues(new Uint32Array(1))[0]; // A panel may be shown twice, and each counts for itself.
  let sent = 0;
  let bought = 0; // the last click of these that was one on "Generate"
  let received = 0; // The kernel's front door has seen the click ...
  let worked = 0; //   ... and the loop that does the work has turned since.
  let gone = ""; // what has become of the kernel, once there is no connection to it any more
  let since = 0; // when the oldest click without an answer was
  let timer = 0;
  let later = 0;

  let form = null; // the model of all that is bought by

  model.widget_manager.get_model(model.get("form")).then((found) => (form = found), () => {});
  const panel = () => el.closest(".rivya-panel");
  const waiting = () => worked < sent;
  const buying = () => worked < bought;

  function say() {
    const root = panel();
    for (const button of root?.querySelectorAll("button.rivya-once") ?? []) {
      button.classList.toggle("rivya-pressed", buying());
    }
    if (gone) line.textContent = `The kernel ${gone}, ${REOPEN}`;
    else if (!waiting()) line.textContent = "";
    else if (received < sent) {
      line.textContent = "The kernel has not answered yet. What you asked for is not lost: a busy kernel takes it up when it is free.";
      if (Date.now() - since > SUSPICION) line.textContent += " If it was restarted, run the panel's cell again.";
    } else {
      line.textContent = "A cell is running. What you asked for is not lost: it goes on when the cell is done.";
    }
  }

  function end(how = "was restarted") {
    gone = how;
    say();
  }

  function note() {
    if (!waiting()) since = Date.now();
    sent += 1;
    const mine = sent;
    // After the click's own message, so that the answer comes behind what the click does.
    setTimeout(() => {
      if (!send(model, { click: mine, view })) end();
    }, 0);
    clearTimeout(timer);
    timer = setTimeout(say, PATIENCE);
    clearTimeout(later);
    later = setTimeout(say, SUSPICION + 1);
  }

  function clicked(event) {
    const button = event.target.closest?.("button");
    if (!button || !panel()?.contains(button)) return;
    const buys = button.classList.contains("rivya-once");
    if (buys && buying()) {
      event.stopImmediatePropagation();
      event.preventDefault();
      return;
    }
    note();
    if (buys) {
      if (form) sendHeldChanges(form);
      bought = sent;
      button.classList.add("rivya-pressed");
    }
  }

  function answered(message) {
    if (message.view !== view) return;
    if ("received" in message) received = Math.max(received, message.received);
    if ("worked" in message) worked = Math.max(worked, message.worked);
    if (!waiting()) {
      clearTimeout(timer);
      clearTimeout(later);
      say();
    } else if (line.textContent) say();
  }

  // On a focused button Jupyter takes `a` for a new cell and `d d` for the end of this one.
  function keepKeys(event) {
    if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
  }

  // The notebook would run the panel's cell; here the key is for what the prompt is written for.
  function generate(event) {
    const isMeant = event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.closest?.(".rivya-prompt");
    if (!isMeant) return;
    event.preventDefault();
    event.stopPropagation();
    panel()?.querySelector("button.rivya-once:enabled")?.click();
  }

  let attached = 0;
  let leave = () => {};
  function attach() {
    const root = panel();
    if (!root) {
      attached = requestAnimationFrame(attach);
      return;
    }
    const stop = makeAccessible(root, view);
    root.addEventListener("keydown", keepKeys);
    root.addEventListener("rivya-asked", note);
    // ipywidgets lets no key out of a field.
    root.addEventListener("keydown", generate, true);
    leave = () => {
      root.removeEventListener("keydown", keepKeys);
      root.removeEventListener("rivya-asked", note);
      root.removeEventListener("keydown", generate, true);
      stop();
    };
  }
  attached = requestAnimationFrame(attach);
  document.addEventListener("click", clicked, true);
  model.on("msg:custom", answered);
  const unwatch = watchKernel(model, end);
  return () => {
    unwatch();
    cancelAnimationFrame(attached);
    clearTimeout(timer);
    clearTimeout(later);
    leave();
    document.removeEventListener("click", clicked, true);
    model.off("msg:custom", answered);
  };
}

export default { render };
