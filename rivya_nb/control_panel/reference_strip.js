// Reference pictures: dropped, chosen or pasted, sent to the kernel in pieces, shown as a row of thumbnails.
// What the kernel and the files say is put in as text, never as markup.

const PIECE = 1 << 20; // bytes; a message above 10 MiB would close the kernel's connection
const IN_FLIGHT = 4; // pieces sent ahead of the kernel's answers

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function button(text, name, act) {
  const made = element("button", { type: "button", textContent: text, title: name });
  made.setAttribute("aria-label", name);
  made.addEventListener("click", act);
  return made;
}

const GONE = "nobody takes it; if the kernel was restarted, run the panel's cell again";

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

// Why a file need not even be sent, or nothing.
function refusal(file, rules, shrink, taken) {
  if (!rules.taken) return "this model takes no references";
  if (rules.max_files !== null && taken >= rules.max_files) return `${rules.max_files} references are the most this model takes`;
  if (file.size === 0) return "the file is empty";
  const limit = shrink ? rules.largest : (rules.max_bytes ?? rules.largest);
  if (file.size > limit) return `${megabytes(file.size)} is over the limit of ${megabytes(limit)}`;
  return "";
}

function render({ model, el }) {
  const sending = new Map(); // by number: { file, sent, answered }
  let number = 0;

  const input = element("input", { type: "file", multiple: true, accept: "image/*", hidden: true });
  const add = element("button", { type: "button", className: "rivya-drop" });
  add.setAttribute("aria-label", "Add reference");
  add.append(element("span", { textContent: "drop, paste or choose" }));
  const head = element("div", { className: "rivya-strip-head" });
  const row = element("div", { className: "rivya-strip" });
  const refused = element("div", { className: "rivya-mistakes" });
  refused.setAttribute("role", "alert");
  const shrink = element("input", { type: "checkbox", id: `rivya-shrink-${Math.random().toString(36).slice(2)}` });
  const shrinkLabel = element("label", { htmlFor: shrink.id, textContent: "shrink what is too large" });
  const options = element("div", { className: "rivya-strip-options rivya-quiet" }, shrink, shrinkLabel);

  function refuse(name, why) {
    const line = element("div", {}, `✕ ${name}: ${why} `);
    line.append(button("dismiss", `Dismiss the message about ${name}`, () => line.remove()));
    refused.append(line);
  }

  function take(files) {
    refused.replaceChildren();
    let taken = model.get("items").length + sending.size;
    for (const file of files) {
      const why = refusal(file, model.get("rules"), shrink.checked, taken);
      if (why) {
        refuse(file.name || "the pasted picture", why);
        continue;
      }
      taken += 1;
      // Later files have higher numbers, also where another view of the same references has sent some.
      number = Math.max(number + 1, Date.now());
      // The pieces follow when this is answered: messages may overtake each other on the kernel's threads.
      if (tell({ kind: "begin", file: number, name: file.name || "pasted.png", size: file.size })) {
        sending.set(number, { file, sent: 0, answered: 0 });
      } else refuse(file.name, GONE);
    }
    show();
  }

  function tell(content, buffers = []) {
    try {
      model.send(content, {}, buffers);
      return true;
    } catch {
      return false; // The kernel was restarted, and this panel belongs to none.
    }
  }

  async function push(which) {
    const state = sending.get(which);
    while (state && sending.has(which) && state.sent < state.file.size && state.sent - state.answered < IN_FLIGHT * PIECE) {
      const start = state.sent;
      state.sent = Math.min(state.file.size, start + PIECE);
      let piece;
      try {
        piece = await state.file.slice(start, state.sent).arrayBuffer();
      } catch {
        sending.delete(which);
        model.send({ kind: "drop", file: which });
        refuse(state.file.name, "the browser cannot read it any more");
        show();
        return;
      }
      if (!tell({ kind: "piece", file: which, offset: start }, [new DataView(piece)])) {
        sending.delete(which);
        refuse(state.file.name, GONE);
        show();
        return;
      }
    }
  }

  function answered(message) {
    const state = sending.get(message.file);
    if (!state) return;
    if (message.kind === "got") {
      state.answered = message.bytes;
      push(message.file);
    } else {
      sending.delete(message.file);
      if (message.kind === "refused") refuse(message.name, message.why);
    }
    show();
  }

  function act(kind, place, extra = {}) {
    return () => model.send({ kind, place, ...extra });
  }

  function card(item, place, items) {
    const picture = element("img", { src: item.thumbnail, draggable: false, alt: `Reference ${place + 1}: ${item.name}`, title: `${item.name} · ${item.about}` });
    const tools = element("div", { className: "rivya-strip-tools" });
    if (place > 0) tools.append(button("‹", `Move ${item.name} left`, act("move", place, { to: place - 1 })));
    if (place < items.length - 1) tools.append(button("›", `Move ${item.name} right`, act("move", place, { to: place + 1 })));
    tools.append(button("×", `Remove ${item.name}`, act("remove", place)));
    const made = element("div", { className: "rivya-strip-card", draggable: true }, picture, tools);
    made.append(element("div", { className: "rivya-strip-name", textContent: item.name, title: item.name }));
    made.append(element("div", { className: "rivya-strip-name rivya-quiet", textContent: item.about, title: item.about }));
    if (item.recallable) made.append(button("Recall settings", `Recall the settings of ${item.name}`, act("recall", place)));
    made.addEventListener("dragstart", (event) => event.dataTransfer.setData("text/x-rivya-reference", String(place)));
    made.addEventListener("dragover", (event) => event.preventDefault());
    made.addEventListener("drop", (event) => {
      const from = event.dataTransfer.getData("text/x-rivya-reference");
      if (from === "") return;
      event.preventDefault();
      event.stopPropagation();
      model.send({ kind: "move", place: Number(from), to: place });
    });
    return made;
  }

  function waiting({ file, answered }) {
    const bar = element("progress", { max: file.size, value: answered });
    bar.setAttribute("aria-label", `Sending ${file.name}`);
    return element("div", { className: "rivya-strip-card" }, bar, element("div", { className: "rivya-strip-name", textContent: file.name }));
  }

  function show() {
    const items = model.get("items");
    const rules = model.get("rules");
    head.replaceChildren(
      element("span", { className: "rivya-strip-title", textContent: "References" }),
      element("span", { className: "rivya-quiet", textContent: rules.words.replace("{n}", items.length) }),
    );
    add.disabled = !rules.taken;
    options.hidden = !rules.taken;
    const buttons = [...row.querySelectorAll("button")];
    const focused = buttons.indexOf(document.activeElement);
    const name = buttons[focused]?.getAttribute("aria-label");
    row.replaceChildren(...items.map(card), ...[...sending.values()].map(waiting), add);
    if (focused < 0) return;
    const now = [...row.querySelectorAll("button")];
    const named = (wanted) => now.filter((each) => each.getAttribute("aria-label") === wanted)
      .sort((a, b) => Math.abs(now.indexOf(a) - focused) - Math.abs(now.indexOf(b) - focused))[0]; // of two the nearer
    const back = name.startsWith("Move") && named(name.replace(/(left|right)$/, (side) => (side === "left" ? "right" : "left")));
    (named(name) || back || now[focused] || add).focus();
  }

  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const panel = () => el.closest(".rivya-panel") ?? el;
  function over(event) {
    add.classList.remove("rivya-over");
    if (!hasFiles(event) || !panel().contains(event.target)) return;
    event.preventDefault();
    event.stopPropagation();
    add.classList.add("rivya-over");
  }
  function dropped(event) {
    add.classList.remove("rivya-over");
    if (!hasFiles(event) || !panel().contains(event.target)) return;
    // Jupyter would insert the picture into the notebook.
    event.preventDefault();
    event.stopPropagation();
    take(event.dataTransfer.files);
  }
  function pasted(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    // Where no text is selected, browsers name another element than the one with the focus.
    if (!files.length || !(panel().contains(event.target) || panel().contains(document.activeElement))) return;
    // Spreadsheets and word processors put a picture beside the text, and in a field the text is meant.
    if (event.target.matches?.("input, textarea") && event.clipboardData.getData("text/plain")) return;
    event.preventDefault();
    event.stopPropagation();
    take(files);
  }
  const listeners = [["dragenter", over], ["dragover", over], ["drop", dropped], ["paste", pasted]];
  for (const [name, listener] of listeners) document.addEventListener(name, listener, true);
  const left = () => add.classList.remove("rivya-over");
  add.addEventListener("dragleave", left);
  add.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = "";
  });
  shrink.checked = model.get("shrink");
  shrink.addEventListener("change", () => {
    model.set("shrink", shrink.checked);
    model.save_changes();
  });

  model.on("change:items", show);
  model.on("change:rules", show);
  model.on("msg:custom", answered);
  el.classList.add("rivya-references");
  el.append(head, row, refused, options, input);
  show();
  return () => {
    for (const [name, listener] of listeners) document.removeEventListener(name, listener, true);
    model.off("change:items", show);
    model.off("change:rules", show);
    model.off("msg:custom", answered);
  };
}

export default { render };
