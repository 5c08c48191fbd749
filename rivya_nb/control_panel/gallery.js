// The history in pages: small pictures in a grid, a click brings one's settings back, several can be chosen.
// The kernel is asked for a page and sends it in one message, its pictures as bytes: nothing of an earlier page
// stays. Whatever was written by somebody is put in as text.

const RATINGS = [["", "any rating"], ["starred", "★ starred"], ...[1, 2, 3, 4, 5].map((n) => [String(n), `${"★".repeat(n)} and above`])];
const ORDERS = [["", "newest first"], ["oldest", "oldest first"]];
const TYPING = 250; // milliseconds after the last key before the history is asked
const BETWEEN_CHECKS = 1000; // milliseconds at least until it is asked again whether there is anything new

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

function select(name, options) {
  const made = element("select", {}, ...options.map(([value, text]) => element("option", { value, textContent: text })));
  made.setAttribute("aria-label", name);
  return made;
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

function render({ model, el }) {
  let page = { items: [], first: 0, total: 0, size: 24, models: [], tags: [] };
  let addresses = [];
  let place = 0;
  let current = 0;
  let asked = 0;
  const view = crypto.getRandomValues(new Uint32Array(1))[0]; // The same gallery may be shown twice, at other places.
  const chosen = new Map(); // by job id: its name, in the order of choosing

  const words = element("input", { type: "search", placeholder: "words of the prompt" });
  words.setAttribute("aria-label", "Search the history");
  const models = select("Filter: made with", [["", "any model"]]);
  const rating = select("Filter: rating", RATINGS);
  const tag = select("Filter: tag", [["", "any tag"]]);
  const order = select("Order", ORDERS);
  const filters = element("div", { className: "rivya-filters" }, words, models, rating, tag, order);
  const grid = element("div", { className: "rivya-tiles" });
  grid.setAttribute("role", "group");
  grid.setAttribute("aria-label", "Pictures of the history");
  const count = element("span", { className: "rivya-quiet" });
  count.setAttribute("role", "status");
  const before = button("‹", "Previous page", () => turn(-1));
  const after = button("›", "Next page", () => turn(1));
  const bar = element("div", { className: "rivya-bar" });
  const said = element("div", { className: "rivya-said" });
  said.setAttribute("role", "status");
  const foot = element("div", { className: "rivya-foot" }, bar, element("span", { className: "rivya-pages" }, count, before, after));

  function ask(known = "") {
    // A look whether the page is still the newest may stay without an answer.
    if (!known) asked += 1;
    model.send({
      kind: "ask",
      view,
      known,
      number: asked,
      place,
      prompt: words.value,
      model: models.value,
      rating: /^\d$/.test(rating.value) ? Number(rating.value) : 0,
      starred: rating.value === "starred",
      tag: tag.value,
      oldest_first: order.value === "oldest",
    });
  }

  // Cells, other panels and other kernels add to the history and mark it, too.
  let checked = Date.now();
  function check() {
    if (!page.known || Date.now() - checked < BETWEEN_CHECKS) return;
    checked = Date.now();
    try {
      ask(page.known);
    } catch {
      // The kernel was restarted, and this panel has nobody to ask.
    }
  }

  function askAnew() {
    place = 0;
    ask();
  }

  function turn(step) {
    const next = place + step * page.size;
    if (next < 0 || next >= page.total) return;
    place = next;
    ask();
  }

  function refill(control, texts) {
    const kept = control.value;
    const options = texts.map((text) => element("option", { value: text, textContent: text }));
    control.replaceChildren(control.firstElementChild, ...options);
    control.value = texts.includes(kept) ? kept : "";
  }

  function show(message, buffers) {
    if (message.view !== view || message.number < asked) return;
    page = message;
    place = page.first;
    addresses.forEach((address) => URL.revokeObjectURL(address));
    addresses = buffers.map((bytes) => URL.createObjectURL(new Blob([bytes], { type: "image/webp" })));
    refill(models, page.models);
    refill(tag, page.tags);
    current = Math.min(current, Math.max(0, page.items.length - 1));
    drawTiles();
    const last = page.first + page.items.length;
    count.textContent = page.total ? `${page.first + 1}–${last} of ${page.total.toLocaleString("en")}` : "no pictures";
    const focused = document.activeElement;
    before.disabled = page.first === 0;
    after.disabled = last >= page.total;
    // At either end the way back is the one that is left.
    if (focused === before && before.disabled) after.focus();
    if (focused === after && after.disabled) before.focus();
  }

  function tile(item, at) {
    const made = element("div", { className: "rivya-tile" });
    const picture = item.picture === null
      ? element("span", { className: "rivya-gone", textContent: item.trouble })
      : element("img", { src: addresses[item.picture], alt: item.name, draggable: false }); // Dragged, it would be its small copy.
    const main = element("button", { type: "button", className: "rivya-main", title: `${item.name}\nClick: use its settings. V: look closely. X: choose.` }, picture);
    main.setAttribute("aria-label", item.name);
    main.tabIndex = at === current ? 0 : -1;
    main.addEventListener("click", () => act("recall", [item.job]));
    const look = button("⤢", `Look closely at ${item.name}`, () => act("view", [item.job]));
    look.className = "rivya-look";
    look.tabIndex = -1;
    const box = element("input", { type: "checkbox", checked: chosen.has(item.job), tabIndex: -1 });
    box.setAttribute("aria-label", `Choose ${item.name}`);
    box.addEventListener("change", () => choose(item, box.checked));
    made.classList.toggle("rivya-chosen", chosen.has(item.job));
    made.addEventListener("focusin", () => focusOn(at, false));
    made.append(main, box, look);
    if (item.marks) made.append(element("span", { className: "rivya-marks", textContent: item.marks }));
    return made;
  }

  function drawTiles() {
    const had = grid.contains(document.activeElement);
    grid.replaceChildren(...page.items.map(tile));
    if (had && !page.items.length) words.focus();
    else if (had) focusOn(current, true);
    const focused = bar.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    drawBar();
    if (!focused) return;
    const again = [...bar.children].find((each) => each.getAttribute("aria-label") === focused);
    if (again) again.focus();
    else focusOn(current, true);
  }

  function focusOn(at, move) {
    const tiles = [...grid.querySelectorAll(".rivya-main")];
    if (!tiles.length) return;
    current = Math.max(0, Math.min(tiles.length - 1, at));
    tiles.forEach((each, index) => (each.tabIndex = index === current ? 0 : -1));
    if (move) tiles[current].focus();
  }

  function columns() {
    const tiles = [...grid.children];
    const top = tiles[0]?.offsetTop;
    return Math.max(1, tiles.filter((each) => each.offsetTop === top).length);
  }

  const moves = {
    ArrowRight: () => 1,
    ArrowLeft: () => -1,
    ArrowDown: columns,
    ArrowUp: () => -columns(),
    Home: () => -page.items.length,
    End: () => page.items.length,
  };
  grid.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const item = page.items[current];
    if (event.key in moves) focusOn(current + moves[event.key](), true);
    else if (event.key === "PageDown") turn(1);
    else if (event.key === "PageUp") turn(-1);
    else if (event.key === "v" && item) act("view", [item.job]);
    else if (event.key === "x" && item) choose(item, !chosen.has(item.job));
    else if (/^[0-5]$/.test(event.key) && item) act("rate", [item.job], { rating: Number(event.key) });
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  function choose(item, wanted) {
    if (wanted) chosen.set(item.job, item.name);
    else chosen.delete(item.job);
    drawTiles();
  }

  function act(kind, jobs, more = {}) {
    said.replaceChildren();
    model.send({ kind, jobs, ...more });
  }

  function drawBar() {
    const jobs = [...chosen.keys()];
    if (!jobs.length) {
      bar.replaceChildren();
      return;
    }
    const rate = select("Rate the chosen pictures", [["", "Rate…"], ...[0, 1, 2, 3, 4, 5].map((n) => [String(n), n ? "★".repeat(n) : "no rating"])]);
    rate.addEventListener("change", () => rate.value && act("rate", jobs, { rating: Number(rate.value) }));
    bar.replaceChildren(
      element("span", { className: "rivya-quiet", textContent: `${jobs.length} chosen:` }),
      button("Compare", "Compare the chosen pictures", () => act("view", jobs)),
      button("Grid", "Show the chosen pictures as a grid", () => act("grid", jobs)),
      button("Save…", "Save the chosen pictures", askFolder),
      rate,
      button("★", "Star the chosen pictures", () => act("star", jobs)),
      button("Use as reference", "Use the chosen pictures as references", () => act("reference", jobs)),
      button("To code", "Show the cells that ask for the chosen pictures", () => act("code", jobs)),
      button("Delete…", "Delete the chosen pictures", askDelete),
      button("None", "Choose none", () => (chosen.clear(), drawTiles())),
    );
  }

  function askFolder() {
    const folder = element("input", { type: "text", value: "pictures" });
    folder.setAttribute("aria-label", "Folder to save into");
    const save = () => act("save", [...chosen.keys()], { folder: folder.value });
    folder.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") save();
    });
    said.replaceChildren(element("span", { textContent: "into the folder " }), folder, button("Save", "Save into this folder", save));
    folder.focus();
  }

  function askDelete() {
    const jobs = [...chosen.keys()];
    const sure = button("Delete", "Delete them for good", () => {
      chosen.clear();
      act("delete", jobs);
    });
    const what = jobs.length === 1 ? "this picture for good? What it" : `these ${jobs.length} pictures for good? What they`;
    const keep = button("Keep", "Keep them", () => said.replaceChildren());
    said.replaceChildren(element("span", { textContent: `Delete ${what} cost stays on record. ` }), sure, keep);
    keep.focus(); // A key held too long must not delete.
  }

  function showCode(text) {
    const copy = button("Copy", "Copy the code", async () => {
      copy.textContent = (await copyText(text)) ? "Copied" : "Select the text to copy it";
    });
    said.replaceChildren(element("pre", { textContent: text, tabIndex: 0 }), copy);
  }

  function answered(message, buffers) {
    if (message.kind === "page") show(message, buffers);
    else if (message.kind === "stale") ask();
    else if (message.kind === "check") check();
    else if (message.kind === "code") showCode(message.text);
    else if (message.kind === "said") said.replaceChildren(element("span", { className: message.wrong ? "rivya-mistakes" : "", textContent: message.text }));
  }

  let typing = 0;
  words.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(askAnew, TYPING);
  });
  for (const control of [models, rating, tag, order]) control.addEventListener("change", askAnew);
  // Jupyter has shortcuts of its own for most keys.
  el.addEventListener("keydown", (event) => event.target.matches("input, select") && event.stopPropagation());

  el.addEventListener("pointerenter", check);
  el.addEventListener("focusin", (event) => el.contains(event.relatedTarget) || check());
  model.on("msg:custom", answered);
  el.classList.add("rivya-gallery");
  el.append(filters, grid, foot, said);
  ask();
  return () => {
    clearTimeout(typing);
    model.off("msg:custom", answered);
    addresses.forEach((address) => URL.revokeObjectURL(address));
  };
}

export default { render };
