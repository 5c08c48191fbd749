// Says so when the kernel does not answer a click, gives short buttons their full names, keeps an impatient second
// click on "Generate" from buying twice, Jupyter's shortcuts out of the panel and the focus in it, and has read out what
// Generate would do. It draws nothing but one line.

const PATIENCE = 300; // milliseconds until a silent kernel is worth a word
const PAUSE = 1000; // milliseconds without a letter until what became of the letters is read out
const SUSPICION = 10_000; // milliseconds until it may be gone: not every restart closes a panel's connection

function render({ model, el }) {
  const line = document.createElement("div");
  line.className = "rivya-watch";
  line.setAttribute("role", "status");
  el.append(line);
  const view = crypto.getRandomValues(new Uint32Array(1))[0]; // A panel may be shown twice, and each counts for itself.
  let sent = 0;
  let received = 0; // The kernel's front door has seen the click ...
  let worked = 0; //   ... and the loop that does the work has turned since.
  let gone = false; // There is no connection to a kernel any more.
  let since = 0; // when the oldest click without an answer was
  let timer = 0;
  let later = 0;
  let telling = 0;
  let made = 0;

  const panel = () => el.closest(".rivya-panel");
  const waiting = () => worked < sent;

  function say() {
    const root = panel();
    for (const button of root?.querySelectorAll("button.rivya-once") ?? []) {
      button.classList.toggle("rivya-pressed", waiting());
    }
    if (gone) line.textContent = "The kernel was restarted. Run the panel's cell again: what stands here was kept.";
    else if (!waiting()) line.textContent = "";
    else if (received < sent) {
      line.textContent = "The kernel has not answered yet. What you clicked is not lost: a busy kernel takes it up when it is free.";
      if (Date.now() - since > SUSPICION) line.textContent += " If it was restarted, run the panel's cell again.";
    } else {
      line.textContent = "A cell is running. What you clicked is not lost: it goes on when the cell is done.";
    }
  }

  function note() {
    if (!waiting()) since = Date.now();
    sent += 1;
    const mine = sent;
    // After the click's own message, so that the answer comes behind what the click does.
    setTimeout(() => {
      try {
        model.send({ click: mine, view });
      } catch {
        gone = true;
        say();
      }
    }, 0);
    clearTimeout(timer);
    timer = setTimeout(say, PATIENCE);
    clearTimeout(later);
    later = setTimeout(say, SUSPICION + 1);
  }

  function clicked(event) {
    const button = event.target.closest?.("button");
    if (!button || !panel()?.contains(button)) return;
    if (button.classList.contains("rivya-once")) {
      if (waiting()) {
        event.stopImmediatePropagation();
        event.preventDefault();
        return;
      }
      button.classList.add("rivya-pressed");
    }
    note();
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

  // ipywidgets has no accessible names of its own: a button that shows a sign is called what its tooltip says,
  // one that stays pressed says so, and a slider and the number beside it are called what their label says.
  function nameControls() {
    for (const button of panel()?.querySelectorAll("button.jupyter-button[title]") ?? []) {
      const name = button.getAttribute("title");
      if (name && button.getAttribute("aria-label") !== name) button.setAttribute("aria-label", name);
      if (button.classList.contains("widget-toggle-button")) {
        button.setAttribute("aria-pressed", String(button.classList.contains("mod-active")));
      }
    }
    for (const slider of panel()?.querySelectorAll(".widget-slider") ?? []) {
      const name = slider.querySelector(".widget-label")?.textContent ?? "";
      slider.querySelector("[role=slider]")?.setAttribute("aria-label", name);
      const number = slider.querySelector("[contenteditable]");
      number?.setAttribute("role", "textbox");
      number?.setAttribute("aria-label", `${name}, as a number`);
    }
  }

  // Nor does it say which of a tab's contents belongs to which tab.
  function nameTabs() {
    for (const tabs of panel()?.querySelectorAll(".jupyter-widget-tab") ?? []) {
      const names = tabs.querySelectorAll(":scope > .lm-TabBar [role=tab]");
      const contents = tabs.querySelectorAll(":scope > .widget-tab-contents > *");
      if (names.length !== contents.length) continue; // one of them is on its way
      names.forEach((name, place) => {
        const content = contents[place];
        content.id ||= `rivya-tab-${view}-${(made += 1)}`;
        name.id ||= `${content.id}-name`;
        set(name, "aria-controls", content.id);
        set(content, "role", "tabpanel");
        set(content, "aria-labelledby", name.id);
      });
    }
  }

  function set(node, name, value) {
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  }

  // What Generate would do, and what it waits for, is read out when it has changed; not at each letter, but once
  // the user pauses.
  const spoken = () => panel()?.querySelectorAll(":is(.rivya-summary, .rivya-reason) .widget-html-content") ?? [];

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

  // On a focused button Jupyter takes `a` for a new cell and `d d` for the end of this one.
  function keepKeys(event) {
    if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
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

  let root = null;
  let attached = 0;
  const observer = new MutationObserver(() => {
    nameControls();
    nameTabs();
    nameSpoken();
    // The page notices a hidden or disabled control's focus when it is drawn.
    if (held.length && !isThere(held[0])) setTimeout(rescueFocus, 30);
  });
  const onRoot = [["keydown", keepKeys], ["focusin", hold], ["focusout", letGo], ["input", holdTongue]];
  function attach() {
    root = panel();
    if (!root) {
      attached = requestAnimationFrame(attach);
      return;
    }
    observer.observe(root, { subtree: true, childList: true, attributeFilter: ["title", "class", "style", "disabled"] });
    for (const [name, listener] of onRoot) root.addEventListener(name, listener);
    nameControls();
    nameTabs();
    nameSpoken();
  }
  attached = requestAnimationFrame(attach);
  document.addEventListener("click", clicked, true);
  model.on("msg:custom", answered);
  return () => {
    cancelAnimationFrame(attached);
    clearTimeout(timer);
    clearTimeout(later);
    clearTimeout(telling);
    observer.disconnect();
    for (const [name, listener] of onRoot) root?.removeEventListener(name, listener);
    document.removeEventListener("click", clicked, true);
    model.off("msg:custom", answered);
  };
}

export default { render };
