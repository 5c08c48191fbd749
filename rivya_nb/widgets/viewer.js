// The viewer's front end: one state, drawn anew after every change.
//
// Reading order: helpers · kernel (questions and answers) · originals (loaded when looked at) · differences ·
// the viewer (state, drawing, moving, input) · `render`, which the widget manager calls.
//
// Prompts, names and messages are foreign text: they become text nodes and attributes, never markup.

const SILENCE = 5000; // ms without an answer after which the kernel is called silent
const AT_ONCE = 3; // originals that are loaded side by side
const MOST_ORIGINALS = 24; // originals that are kept, decoded up to 16 MB each by the browser
const MOST_BYTES = 192 * 2 ** 20; // and their encoded bytes
const MOST_ZOOM = 32;
const ZOOM_STEP = 1.25;
const FLICKER = 600; // ms; slower than three flashes a second, which may harm
const PIXELS_FROM = 4; // from this enlargement on one sees single pixels, not a blur

const MODES = [
  ["grid", "Grid"],
  ["one", "Large"],
  ["slider", "Slider"],
  ["flicker", "Flicker"],
  ["difference", "Difference"],
  ["side", "Side by side"],
];
const COMPARING = new Set(["slider", "flicker", "difference", "side"]);

const KEYS = [
  ["← → ↑ ↓", "next picture"],
  ["Enter", "large, and back to the grid"],
  ["Esc", "back to the grid"],
  ["+  −  0", "zoom, and fit again; all pictures move together"],
  ["Shift + arrows", "pan"],
  ["wheel, drag, pinch", "zoom and pan, once the viewer was clicked"],
  ["Space", "flicker between A and B, then step by step"],
  ["c", "next way to compare"],
  ["p", "pin as A; what you go to is B"],
  ["1 – 5", "rate; the same again takes it away"],
  ["s", "star"],
  ["[  ]", "pages of a third axis"],
  ["PgUp  PgDn", "pages of a long history"],
  ["i", "everything known of the picture"],
  ["f", "full screen"],
  ["?", "this help"],
];

// ── Helpers ─────────────────────────────────────────────────────────────────────────────────────────────────

/** An element; `on…` attributes are listeners, strings among the children become text nodes. */
function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  // JupyterLab would take single keys for its own: 0 0 restarts a kernel, d d deletes a cell.
  if (tag === "button" || tag === "input" || "tabindex" in attributes) set(node, "data-lm-suppress-shortcuts", true);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else set(node, name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== ""));
  return node;
}

function set(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? "" : value);
}

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const stars = (marks) => "★".repeat(marks.rating) + (marks.starred ? " ✦" : "");
const spoken = (marks) =>
  [marks.rating ? `rated ${marks.rating} of 5` : "", marks.starred ? "starred" : ""].filter(Boolean).join(", ");

// ── Kernel ──────────────────────────────────────────────────────────────────────────────────────────────────

/** Questions to the kernel; each answer bears its question's id, since several views share one model. */
class Kernel {
  constructor(model, silent) {
    this.model = model;
    this.silent = silent;
    this.name = Math.random().toString(36).slice(2);
    this.count = 0;
    this.open = new Map();
    this.receive = this.receive.bind(this);
    model.on("msg:custom", this.receive);
  }

  ask(content) {
    const id = `${this.name}-${++this.count}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.silent(true), SILENCE);
      this.open.set(id, { resolve, reject, timer });
      try {
        this.model.send({ ...content, id });
      } catch {
        this.settle(id);
        reject(new Error("The kernel is gone."));
      }
    });
  }

  settle(id) {
    const question = this.open.get(id);
    if (question) clearTimeout(question.timer);
    this.open.delete(id);
    return question;
  }

  receive(content, buffers) {
    const question = this.settle(content.id);
    if (!question) return;
    this.silent(false);
    if (content.trouble) question.reject(new Error(content.trouble));
    else question.resolve({ content, buffers });
  }

  close() {
    this.model.off("msg:custom", this.receive);
    for (const id of [...this.open.keys()]) this.settle(id);
  }
}

// ── Originals ───────────────────────────────────────────────────────────────────────────────────────────────

/** The originals that were looked at last, byte for byte, as blob addresses. */
class Originals {
  constructor(kernel, changed) {
    this.kernel = kernel;
    this.changed = changed;
    this.ready = new Map(); // key → {url, size}, the least recently used first
    this.loading = new Set();
    this.troubles = new Map(); // key → why it cannot be shown
    this.wishes = [];
    this.closed = false;
  }

  url(key) {
    const found = this.ready.get(key);
    if (!found) return null;
    this.ready.delete(key);
    this.ready.set(key, found);
    return found.url;
  }

  /** What is looked at now, the most wanted first; earlier wishes that were not begun are dropped. */
  wish(keys) {
    this.wishes = keys.slice(0, MOST_ORIGINALS);
    this.begin();
  }

  begin() {
    while (this.loading.size < AT_ONCE && this.wishes.length) {
      const key = this.wishes.shift();
      if (!this.ready.has(key) && !this.loading.has(key) && !this.troubles.has(key)) this.load(key);
    }
  }

  async load(key) {
    this.loading.add(key);
    try {
      const blob = await this.read(key);
      if (!this.closed) this.keep(key, blob);
    } catch (error) {
      this.troubles.set(key, error.message);
    }
    this.loading.delete(key);
    if (this.closed) return;
    this.changed(key);
    this.begin();
  }

  /** Piece by piece: a message of more than 10 MiB would cut the kernel's connection. */
  async read(key) {
    const pieces = [];
    let mime = "";
    for (let offset = 0, total = 1; offset < total; ) {
      const { content, buffers } = await this.kernel.ask({ kind: "read", key, offset });
      if (!buffers[0]?.byteLength) throw new Error("The file of this picture is damaged.");
      pieces.push(buffers[0]);
      offset += buffers[0].byteLength;
      ({ total, mime } = content);
    }
    return new Blob(pieces, { type: mime });
  }

  keep(key, blob) {
    this.ready.set(key, { url: URL.createObjectURL(blob), size: blob.size });
    const bytes = () => [...this.ready.values()].reduce((sum, each) => sum + each.size, 0);
    while (this.ready.size > 2 && (this.ready.size > MOST_ORIGINALS || bytes() > MOST_BYTES)) {
      const [oldest, { url }] = this.ready.entries().next().value;
      URL.revokeObjectURL(url);
      this.ready.delete(oldest);
    }
  }

  close() {
    this.closed = true;
    for (const { url } of this.ready.values()) URL.revokeObjectURL(url);
    this.ready.clear();
  }
}

// ── Differences ─────────────────────────────────────────────────────────────────────────────────────────────

/** What differs between two pictures, as [name, A's value, B's value], and what they share, in words. */
function compare(a, b) {
  const [left, right] = [new Map(), new Map()];
  for (const [name, value] of a.facts) left.set(name, value);
  for (const [name, value] of b.facts) right.set(name, value);
  const names = [...new Set([...left.keys(), ...right.keys()])];
  const differs = names
    .filter((name) => left.get(name) !== right.get(name))
    .map((name) => [name, ...changed(left.get(name) ?? "none", right.get(name) ?? "none")]);
  const same = a.facts.filter(([name, value]) => right.get(name) === value).map(([, , words]) => words);
  return { differs, same };
}

/** Long texts without the words with which both begin and end. */
function changed(before, after) {
  const [a, b] = [before.split(" "), after.split(" ")];
  let head = 0;
  while (head < Math.min(a.length, b.length) - 1 && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < Math.min(a.length, b.length) - 1 - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const middle = (words) =>
    [head ? "…" : "", words.slice(head, words.length - tail).join(" "), tail ? "…" : ""].join("");
  return [middle(a), middle(b)];
}

// ── The viewer ──────────────────────────────────────────────────────────────────────────────────────────────

class Viewer {
  constructor(model, host) {
    this.model = model;
    this.state = {
      mode: "grid", sheet: 0, at: 0, pinned: null, hover: null, zoom: 1, x: 0, y: 0,
      divider: 0.5, gain: 2, showsB: false, flickers: false, help: false, info: false, message: "", silent: false,
    };
    this.small = new Map(); // key → blob address of the small picture
    this.waiting = new Map(); // job → marks that the kernel has not confirmed yet
    this.pointers = new Map(); // pressed pointers by id
    this.drawn = {}; // what each part was last drawn from, so that only what changed is made anew
    this.kernel = new Kernel(model, (silent) => this.hush(silent));
    this.originals = new Originals(this.kernel, (key) => this.arrived(key));
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.build(host);
    this.listen();
    this.takeScene();
  }

  // State

  takeScene() {
    const before = this.cell?.key;
    this.scene = this.model.get("_scene");
    const keys = new Set(this.scene.cells.map((cell) => cell.key));
    for (const [key, url] of this.small) {
      if (keys.has(key) || key === this.state.pinned?.key) continue;
      URL.revokeObjectURL(url);
      this.small.delete(key);
    }
    for (const cell of this.scene.cells) {
      if (!cell.small || this.small.has(cell.key)) continue;
      this.small.set(cell.key, URL.createObjectURL(new Blob([cell.small], { type: cell.small_mime })));
    }
    const same = this.scene.cells.findIndex((cell) => cell.key === before);
    const first = this.order(0)[0] ?? 0;
    this.drawn = {};
    this.update({ at: Math.max(same, first), sheet: same < 0 ? 0 : this.state.sheet, hover: null });
  }

  update(changes) {
    Object.assign(this.state, changes);
    this.draw();
  }

  get cell() {
    return this.scene?.cells[this.state.at];
  }

  get comparing() {
    return COMPARING.has(this.state.mode);
  }

  /** The cells of a sheet in reading order: a sheet is one page of a third axis. */
  order(sheet = this.state.sheet) {
    return (this.scene.pages[sheet]?.rows ?? []).flat().filter((index) => index !== null);
  }

  marks(cell) {
    const known = this.model.get("_marks")[cell.job] ?? { rating: 0, starred: false };
    return { ...known, ...this.waiting.get(cell.job) };
  }

  /** A and B: what is pinned, and where one has gone to from there. */
  pair() {
    return [this.state.pinned ?? this.cell, this.cell];
  }

  // The parts that stay

  build(host) {
    const part = (name, attributes = {}) => make("div", { class: name, ...attributes });
    this.parts = {
      modes: part("modes", { role: "group", "aria-label": "View" }),
      tools: part("tools", { role: "group", "aria-label": "Picture" }),
      sheets: part("sheets"),
      stage: part("stage"),
      facts: part("facts"),
      message: part("message", { role: "status" }),
      strip: part("strip", { role: "listbox", "aria-label": "Filmstrip" }),
      pages: part("pages"),
      cover: part("cover"),
    };
    const { modes, tools, sheets, stage, facts, message, strip, pages, cover } = this.parts;
    this.root = make(
      "div",
      { class: "rivya-viewer", role: "application", "aria-label": "Picture viewer", tabindex: 0 },
      make("div", { class: "bar" }, modes, tools), sheets, make("div", { class: "middle" }, stage, cover),
      make("div", { class: "bar foot" }, facts, message), strip, pages,
    );
    this.buildTools(modes, tools);
    host.append(this.root);
  }

  buildTools(modes, tools) {
    const button = (words, name, action, more = {}) => {
      const onclick = (event) => {
        action();
        // After a click with a pointer the keys are for the pictures again: Space flickers.
        if (event.detail) this.focusTile();
      };
      return make("button", { type: "button", "aria-label": name, title: name, onclick, ...more }, ...[words].flat());
    };
    const word = (text) => make("span", { class: "word" }, ` ${text}`);
    this.modeButtons = MODES.map(([mode, name]) => [mode, button(name, name, () => this.enter(mode))]);
    modes.append(...this.modeButtons.map(([, node]) => node));
    this.zoomButton = button("", "Fit (0)", () => this.fit(), { class: "percent" });
    this.rateButtons = [1, 2, 3, 4, 5].map((rating) =>
      button("☆", `Rate ${rating}`, () => this.rate(rating), { class: "rate" }));
    this.starButton = button("", "Star (s)", () => this.mark({ starred: !this.marks(this.cell).starred }));
    this.pinButton = button([make("kbd", {}, "p"), word("pin")], "Pin as A (p)", () => this.pin());
    const key = (text) => make("kbd", {}, text);
    tools.append(
      make("span", { class: "set" }, button("−", "Zoom out (−)", () => this.zoomBy(1 / ZOOM_STEP)), this.zoomButton,
        button("+", "Zoom in (+)", () => this.zoomBy(ZOOM_STEP))),
      make("span", { class: "set" }, button(key("←"), "Previous picture (←)", () => this.step(-1)),
        button(key("→"), "Next picture (→)", () => this.step(1))),
      make("span", { class: "set", role: "group", "aria-label": "Rating" }, ...this.rateButtons),
      this.starButton, this.pinButton,
      button([key("space"), word("flicker")], "Flicker between A and B (space)", () => this.flicker()),
      button(key("i"), "Everything known of the picture (i)", () => this.toggle("info")),
      button(key("f"), "Full screen (f)", () => this.fullScreen()),
      button(key("?"), "Help (?)", () => this.toggle("help")),
    );
  }

  // Drawing: each part compares what it would show with what it shows

  draw() {
    this.drawTools();
    this.drawSheets();
    this.drawStage();
    this.drawTransform();
    this.drawMarks();
    this.drawFoot();
    this.drawStrip();
    this.drawPages();
    this.drawCover();
    this.look();
  }

  /** Whether a part has to be made anew, because what it is drawn from has changed. */
  stale(part, ...from) {
    const signature = JSON.stringify(from);
    if (this.drawn[part] === signature) return false;
    this.drawn[part] = signature;
    return true;
  }

  drawTools() {
    for (const [mode, node] of this.modeButtons) set(node, "aria-pressed", String(mode === this.state.mode));
    const marks = this.cell ? this.marks(this.cell) : { rating: 0, starred: false };
    this.rateButtons.forEach((node, index) => {
      node.textContent = index < marks.rating ? "★" : "☆";
      set(node, "aria-pressed", String(index + 1 === marks.rating));
    });
    this.starButton.replaceChildren(make("kbd", {}, "s"), marks.starred ? " ✦" : "",
      make("span", { class: "word" }, marks.starred ? " starred" : " star"));
    set(this.starButton, "aria-pressed", String(marks.starred));
    set(this.pinButton, "aria-pressed", String(Boolean(this.state.pinned) && this.state.pinned.key === this.cell?.key));
  }

  /** The slider of a third axis, over the whole grid. */
  drawSheets() {
    const { pages } = this.scene;
    const { sheet } = this.state;
    this.parts.sheets.hidden = pages.length < 2;
    if (pages.length < 2) return;
    if (this.stale("sheets", pages.length)) {
      this.sheetInput = make("input", { type: "range", min: 0, max: pages.length - 1, step: 1, "aria-label": "Page",
        oninput: (event) => this.toSheet(Number(event.target.value)) });
      this.sheetWords = make("span", { class: "caption" });
      this.parts.sheets.replaceChildren(this.sheetInput, this.sheetWords);
    }
    this.sheetInput.value = sheet;
    set(this.sheetInput, "aria-valuetext", pages[sheet].caption);
    this.sheetWords.textContent = `${pages[sheet].caption} · ${sheet + 1} of ${pages.length}`;
  }

  drawStage() {
    const { mode, sheet, at, pinned } = this.state;
    if (this.stale("stage", mode, sheet, mode === "grid" ? null : [at, pinned?.key])) {
      const focused = this.parts.stage.contains(document.activeElement);
      this.tiles = [];
      const content = this.stageContent(mode);
      this.parts.stage.className = `stage ${mode}`;
      this.parts.stage.replaceChildren(...content);
      this.refocus = focused;
    }
    for (const tile of this.tiles) {
      const here = tile.cell === this.cell;
      tile.frame.classList.toggle("at", here && mode === "grid");
      tile.frame.classList.toggle("b", here && mode === "grid" && pinned !== null);
      tile.frame.classList.toggle("pinned", tile.cell.key === pinned?.key && mode === "grid");
      if (mode === "grid") set(tile.frame, "aria-selected", String(here));
      tile.frame.tabIndex = here || mode !== "grid" ? 0 : -1;
    }
    if (this.refocus) this.focusTile();
    this.refocus = false;
    this.drawComparison();
  }

  stageContent(mode) {
    const [a, b] = this.pair();
    if (mode === "grid") return this.grid();
    if (!b) return [];
    if (mode === "one") return [this.tile([b], "")];
    if (mode === "side") return [this.tile([a], "A"), this.tile([b], "B")];
    const frame = this.tile([b, a], "AB");
    if (mode === "slider") frame.append(this.dividerHandle());
    return mode === "difference" ? [frame, this.gainInput()] : [frame];
  }

  grid() {
    const page = this.scene.pages[this.state.sheet];
    if (!page) return [];
    const tile = (index) => this.tile([this.scene.cells[index]], "", "gridcell");
    if (this.scene.wraps) {
      // Frames of one shape, so that the lines stay even; a picture of another shape is fitted in.
      const order = this.order();
      const ratio = Math.max(...order.map((index) => clamp(this.scene.cells[index].ratio, 0.4, 2.2)));
      const tiles = order.map((index) => tile(index));
      for (const frame of tiles) frame.style.aspectRatio = String(ratio);
      const cells = make("div", { class: "cells", role: "grid", "aria-label": this.scene.title },
        make("div", { role: "row" }, ...tiles));
      cells.style.gridTemplateColumns = `repeat(auto-fit, minmax(min(100%, ${Math.round(ratio * 150)}px), 1fr))`;
      cells.style.maxWidth = `${order.length * ratio * 320}px`;
      return [cells];
    }
    const ratios = page.rows[0].map((_, column) =>
      Math.max(...page.rows.map((row) => (row[column] === null ? 0.4 : this.scene.cells[row[column]].ratio))));
    const label = (text, role) => make("div", { class: "label", role, title: text }, text);
    const head = this.scene.columns.length
      ? [make("div", { role: "row" }, make("div", { role: "cell" }),
        ...this.scene.columns.map((text) => label(text, "columnheader")))]
      : [];
    const rows = page.rows.map((row, place) =>
      make("div", { role: "row" }, label(this.scene.rows[place] ?? "", "rowheader"),
        ...row.map((index) => (index === null ? make("div", { class: "hole", role: "gridcell" }) : tile(index)))));
    const cells = make("div", { class: "cells", role: "grid", "aria-label": this.scene.title }, ...head, ...rows);
    const tracks = ratios.map((ratio) => `minmax(${Math.round(80 * Math.max(1, ratio))}px, ${ratio}fr)`);
    cells.style.gridTemplateColumns = `auto ${tracks.join(" ")}`;
    // All rows at once where they do not become too small for that; the rest is scrolled to.
    const height = clamp(610 / page.rows.length, 150, 340);
    cells.style.maxWidth = `${ratios.reduce((sum, ratio) => sum + ratio * height, 120)}px`;
    return [cells];
  }

  /** A frame with one picture, or with B and over it A. Every picture in it bears the common transform. */
  tile(cells, letter, role = "group") {
    const layers = make("div", { class: "layers" });
    const frame = make("div", { class: "frame", role, tabindex: -1 }, layers);
    const [cell] = cells;
    if (role === "gridcell") frame.style.aspectRatio = String(clamp(cell.ratio, 0.4, 2.2));
    for (const [index, each] of cells.entries()) {
      const image = make("img", { alt: each.alt, draggable: "false" });
      const words = make("div", { class: "words" });
      const chip = make("div", { class: index ? "chip left" : letter === "AB" ? "chip right" : "chip" });
      const name = letter === "AB" ? (index ? "A" : "B") : letter;
      layers.append(make("div", { class: index ? "layer over" : "layer under" }, image, words));
      frame.append(chip);
      const tile = { cell: each, frame, image, words, chip, letter: name };
      this.tiles.push(tile);
      this.showPicture(tile);
    }
    return frame;
  }

  /** The original once it is here, the small picture until then, words where there is neither. */
  showPicture(tile) {
    const { cell, image, words } = tile;
    const url = this.originals.url(cell.key) ?? this.small.get(cell.key) ?? null;
    if (image.getAttribute("src") !== url) set(image, "src", url);
    image.hidden = url === null;
    words.textContent = this.originals.troubles.get(cell.key) ?? (url ? "" : cell.words);
  }

  async arrived(key) {
    const url = this.originals.url(key);
    if (url) {
      // Decoded before it takes the small picture's place: no frame without a picture.
      const image = new Image();
      image.src = url;
      await image.decode().catch(() => this.originals.troubles.set(key, "This picture cannot be shown."));
    }
    for (const tile of this.tiles) if (tile.cell.key === key) this.showPicture(tile);
    this.drawTransform();
  }

  dividerHandle() {
    const handle = make("div", { class: "divider", role: "slider", tabindex: 0, "aria-label": "Divider between A and B",
      "aria-valuemin": 0, "aria-valuemax": 100 }, make("span", { class: "knob", "aria-hidden": "true" }, "⇔"));
    const follow = (event) => {
      const box = handle.parentElement.getBoundingClientRect();
      this.update({ divider: clamp((event.clientX - box.left) / box.width, 0, 1) });
    };
    handle.addEventListener("pointerdown", (event) => {
      event.stopPropagation();
      handle.setPointerCapture(event.pointerId);
    });
    handle.addEventListener("pointermove", (event) => handle.hasPointerCapture(event.pointerId) && follow(event));
    handle.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -0.02, ArrowRight: 0.02, Home: -1, End: 1 }[event.key];
      if (!move || event.shiftKey) return;
      take(event);
      this.update({ divider: clamp(this.state.divider + move, 0, 1) });
    });
    this.handle = handle;
    return handle;
  }

  gainInput() {
    return make("label", { class: "gain" }, "amplified ",
      make("input", { type: "range", min: 1, max: 8, step: 1, value: this.state.gain,
        oninput: (event) => this.update({ gain: Number(event.target.value) }) }));
  }

  /** What moves without anything being made anew: the divider, which picture flickers up, how much is amplified. */
  drawComparison() {
    const { mode, divider, showsB, gain } = this.state;
    const { stage } = this.parts;
    stage.style.setProperty("--divider", `${divider * 100}%`);
    stage.style.setProperty("--gain", gain);
    stage.classList.toggle("shows-b", mode === "flicker" && showsB);
    if (mode === "slider") set(this.handle, "aria-valuenow", Math.round(divider * 100));
  }

  /** One transform for every picture: shares of a frame, so that cells of any size show the same part. */
  drawTransform() {
    const { zoom, x, y } = this.state;
    const { stage } = this.parts;
    stage.style.setProperty("--zoom", zoom);
    stage.style.setProperty("--x", `${x * 100}%`);
    stage.style.setProperty("--y", `${y * 100}%`);
    stage.classList.toggle("zoomed", zoom > 1);
    const scale = this.scale();
    stage.classList.toggle("pixels", scale >= PIXELS_FROM);
    this.zoomButton.textContent = scale ? `${Math.round(scale * 100)} %` : "fit";
  }

  /** Screen pixels for one of the original's pixels, of the picture one is at. */
  scale() {
    const tile = this.tiles.find((each) => each.cell === this.cell);
    if (!tile?.cell.width || !tile.frame.clientWidth) return 0;
    const { clientWidth, clientHeight } = tile.frame;
    const fitted = Math.min(clientWidth / tile.cell.width, clientHeight / tile.cell.height);
    return fitted * this.state.zoom * devicePixelRatio;
  }

  drawMarks() {
    for (const { cell, frame, chip, letter } of this.tiles) {
      const marks = this.marks(cell);
      const grid = this.state.mode === "grid";
      const label = grid && !this.scene.wraps ? "" : cell.label;
      const text = [letter, label].filter(Boolean).join(" · ");
      chip.textContent = [text, stars(marks)].filter(Boolean).join(" ");
      chip.hidden = !chip.textContent;
      const [a, b] = this.pair();
      const name = this.tiles.length > 1 && this.tiles[0].frame === this.tiles[1].frame
        ? `A: ${a.label}, B: ${b.label}`
        : [letter, cell.label, spoken(marks)].filter(Boolean).join(", ");
      set(frame, "aria-label", name);
    }
  }

  /** In words: what differs between A and B, else the params of what is under the cursor. */
  drawFoot() {
    const [a, b] = this.pair();
    const shown = this.scene.cells[this.state.hover] ?? this.cell;
    this.parts.message.textContent = this.state.silent
      ? "The kernel does not answer: it is busy or gone. A rating is not kept before it does."
      : this.state.message;
    if (!shown) return this.parts.facts.replaceChildren("There is nothing to look at yet.");
    const hovered = this.state.hover !== null && this.state.mode === "grid";
    const other = this.comparing ? b : shown;
    const pinned = this.state.pinned;
    if (pinned && other.key !== pinned.key) return this.drawDifference(a, other);
    // The prompt last: it is the longest, and has the rest of the line.
    const sorted = [...shown.facts].sort(([a], [b]) => (a === "prompt") - (b === "prompt"));
    const facts = sorted.map(([name, value]) =>
      make("span", { title: value }, make("i", {}, name), " ", make("code", {}, value)));
    const words = make("span", { class: "which" }, hovered || !this.comparing ? shown.label : "A and B are one");
    return this.parts.facts.replaceChildren(words, ...facts);
  }

  drawDifference(a, b) {
    const { differs, same } = compare(a, b);
    const parts = differs.flatMap(([name, before, after], index) => [
      index ? ", " : "", make("code", { title: `${name}: ${before} → ${after}` }, `${name} ${before} → ${after}`)]);
    const said = differs.length ? [make("i", {}, "differs: "), ...parts.filter(Boolean)] : [make("i", {}, "differs: nothing asked for")];
    this.parts.facts.replaceChildren(
      make("span", { class: "differs" }, ...said),
      same.length ? make("span", { class: "same" }, `same: ${same.join(", ")}`) : "",
    );
  }

  drawStrip() {
    const order = this.order();
    if (this.stale("strip", this.state.sheet)) {
      this.parts.strip.replaceChildren(...order.map((index) => this.stripItem(index)));
    }
    for (const node of this.parts.strip.children) {
      const cell = this.scene.cells[Number(node.dataset.index)];
      const here = cell === this.cell;
      const pinned = cell.key === this.state.pinned?.key;
      if (here && node.getAttribute("aria-selected") !== "true") this.reveal(node);
      set(node, "aria-selected", String(here));
      node.classList.toggle("pinned", pinned);
      node.classList.toggle("b", here && this.state.pinned !== null && !pinned);
      set(node, "aria-label", [cell.label, pinned ? "A" : "", spoken(this.marks(cell))].filter(Boolean).join(", "));
      node.lastChild.textContent = stars(this.marks(cell));
    }
  }

  stripItem(index) {
    const cell = this.scene.cells[index];
    const url = this.small.get(cell.key);
    return make("div", { role: "option", "data-index": index, title: cell.label,
      onclick: () => { this.go(index); this.focusTile(); } },
      url ? make("img", { src: url, alt: "", draggable: "false" }) : make("span", { class: "none" }, cell.words.slice(0, 1)),
      make("span", { class: "badge", "aria-hidden": "true" }));
  }

  /** Scroll the strip alone: `scrollIntoView` would move the whole notebook. */
  reveal(node) {
    const { strip } = this.parts;
    strip.scrollLeft = node.offsetLeft - (strip.clientWidth - node.offsetWidth) / 2;
  }

  drawPages() {
    const { page, more_pages: pages, first, total, cells } = this.scene;
    this.parts.pages.hidden = pages < 2;
    if (pages < 2 || !this.stale("pages", page, total)) return;
    const turn = (by, name) => make("button", { type: "button", onclick: () => this.turn(by),
      disabled: page + by < 0 || page + by >= pages }, name);
    const words = `${first.toLocaleString()} – ${(first + cells.length - 1).toLocaleString()} of ${total.toLocaleString()}`;
    this.parts.pages.replaceChildren(turn(-1, "Previous page"), words, turn(1, "Next page"));
  }

  drawCover() {
    const { help, info } = this.state;
    this.parts.cover.hidden = !help && !info;
    if (!this.stale("cover", help, info, info && this.cell?.key)) return;
    const table = (rows) => make("dl", {}, ...rows.flatMap(([name, value]) =>
      [make("dt", {}, name), make("dd", {}, value)]));
    const close = make("button", { type: "button", class: "close", "aria-label": "Close",
      onclick: () => { this.update({ help: false, info: false }); this.root.focus({ preventScroll: true }); } }, "✕");
    const title = help ? "Keys" : "This picture";
    set(this.parts.cover, "role", "dialog");
    set(this.parts.cover, "aria-label", title);
    const rows = help ? KEYS : this.cell ? [...this.cell.facts, ...this.cell.asides] : [];
    this.parts.cover.replaceChildren(close, make("h4", {}, title), table(rows));
  }

  // Looking: originals are asked for when they are looked at, not before

  look() {
    clearTimeout(this.lookTimer);
    const { mode } = this.state;
    if (mode !== "grid") return this.originals.wish(this.tiles.map((tile) => tile.cell).filter((c) => c.has_picture).map((c) => c.key));
    // In the grid only where the small pictures no longer suffice, and once the zoom has come to rest.
    this.lookTimer = setTimeout(() => this.originals.wish(this.blurred()), 150);
  }

  blurred() {
    const box = this.parts.stage.getBoundingClientRect();
    return this.tiles
      .filter(({ cell, frame }) => {
        const { top, bottom } = frame.getBoundingClientRect();
        const needed = frame.clientWidth * this.state.zoom * devicePixelRatio;
        return cell.has_picture && this.state.zoom > 1 && needed > cell.small_width * 1.25 &&
          bottom > box.top && top < box.bottom;
      })
      .map((tile) => tile.cell)
      .sort((a, b) => (b === this.cell) - (a === this.cell))
      .map((cell) => cell.key);
  }

  // Moving

  enter(mode) {
    const changes = { mode, flickers: false, showsB: false };
    if (COMPARING.has(mode)) Object.assign(changes, this.couple());
    if (mode === "flicker") changes.flickers = !this.calm.matches;
    this.update(changes);
    this.beat();
  }

  /** Something to compare: what one is at becomes A, and the next one B. */
  couple() {
    const { pinned, at } = this.state;
    if (pinned && pinned.key !== this.cell.key) return {};
    const order = this.order();
    const place = order.indexOf(at);
    return { pinned: this.cell, at: order[place + 1] ?? order[place - 1] ?? at };
  }

  beat() {
    clearInterval(this.flickerTimer);
    if (!this.state.flickers) return;
    this.flickerTimer = setInterval(() => this.update({ showsB: !this.state.showsB }), FLICKER);
  }

  /** The first time it flickers by itself (unless motion is unwelcome), from then on a step at a time. */
  flicker() {
    if (this.state.mode !== "flicker") return this.enter("flicker");
    this.update({ flickers: false, showsB: !this.state.showsB });
    return this.beat();
  }

  go(index) {
    this.update({ at: index, hover: null, message: "" });
    if (this.parts.stage.contains(document.activeElement)) this.focusTile();
  }

  focusTile() {
    const tile = this.tiles.find((each) => each.frame.tabIndex === 0);
    (tile?.frame ?? this.root).focus({ preventScroll: true });
    if (!tile || this.state.mode !== "grid") return;
    const { stage } = this.parts;
    const [box, view] = [tile.frame.getBoundingClientRect(), stage.getBoundingClientRect()];
    if (box.top < view.top) stage.scrollTop += box.top - view.top - 8;
    if (box.bottom > view.bottom) stage.scrollTop += box.bottom - view.bottom + 8;
  }

  step(by) {
    const order = this.order();
    let place = order.indexOf(this.state.at) + by;
    if (this.comparing && this.scene.cells[order[place]]?.key === this.state.pinned?.key) place += by;
    if (order[place] !== undefined) this.go(order[place]);
    else if (this.scene.more_pages > 1) this.turn(by);
  }

  /** Up and down: the nearest cell of the next line that has one above or below. */
  stepLine(by) {
    if (this.state.mode !== "grid") return this.step(by);
    const box = (tile) => tile.frame.getBoundingClientRect();
    const here = box(this.tiles.find((tile) => tile.cell === this.cell));
    const far = (tile) => Math.abs(box(tile).left - here.left) + 10 * Math.abs(box(tile).top - here.top);
    const beyond = this.tiles.filter((tile) => (box(tile).top - here.top) * by > 4);
    const [nearest] = beyond.sort((a, b) => far(a) - far(b));
    return nearest && this.go(this.scene.cells.indexOf(nearest.cell));
  }

  /** Another page of a third axis, at the same place of it. */
  toSheet(sheet) {
    const { pages } = this.scene;
    if (sheet < 0 || sheet >= pages.length || sheet === this.state.sheet) return;
    const rows = pages[this.state.sheet].rows;
    const row = rows.findIndex((cells) => cells.includes(this.state.at));
    const there = pages[sheet].rows[row]?.[rows[row]?.indexOf(this.state.at)];
    this.update({ sheet, at: there ?? this.order(sheet)[0], hover: null });
  }

  async turn(by) {
    const page = this.scene.page + by;
    if (this.turning || page < 0 || page >= this.scene.more_pages) return;
    this.turning = true;
    this.update({ message: "Turning the page …" });
    try {
      await this.kernel.ask({ kind: "turn", page });
      this.update({ message: "", at: (by < 0 ? this.order().at(-1) : this.order()[0]) ?? 0 });
    } catch (error) {
      this.update({ message: error.message });
    }
    this.turning = false;
  }

  /** Zoom so that the point (shares of a frame, from its middle) stays where it is. */
  zoomBy(factor, [px, py] = [0, 0]) {
    const { zoom, x, y } = this.state;
    const next = clamp(zoom * factor, 1, MOST_ZOOM);
    const scale = next / zoom;
    this.moveTo(next, px - (px - x) * scale, py - (py - y) * scale);
  }

  moveTo(zoom, x, y) {
    const most = (zoom - 1) / 2;
    Object.assign(this.state, { zoom, x: clamp(x, -most, most), y: clamp(y, -most, most) });
    this.drawTransform();
    this.look();
  }

  fit() {
    this.moveTo(1, 0, 0);
  }

  // Marks

  pin() {
    const pinned = this.state.pinned?.key === this.cell?.key ? null : this.cell;
    this.update({ pinned });
    if (!pinned && this.comparing) this.enter("one");
  }

  rate(rating) {
    this.mark({ rating: this.marks(this.cell).rating === rating ? 0 : rating });
  }

  /** Shown at once; the kernel confirms, or it is taken back with the reason. */
  async mark(changes) {
    const { job } = this.cell;
    const mine = { ...this.waiting.get(job), ...changes };
    this.waiting.set(job, mine);
    this.update({ message: "" });
    let message = "";
    try {
      await this.kernel.ask({ kind: "mark", job, ...changes });
    } catch (error) {
      message = `Not kept: ${error.message}`;
    }
    if (this.waiting.get(job) === mine) this.waiting.delete(job);
    this.update({ message });
  }

  hush(silent) {
    if (silent !== this.state.silent) this.update({ silent });
  }

  // Input

  listen() {
    const { root, parts } = this;
    root.addEventListener("keydown", (event) => this.key(event));
    const { stage } = parts;
    // Only once the viewer was clicked, or with the pinch of a trackpad: a notebook must scroll past it.
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    stage.addEventListener("pointerdown", (event) => this.press(event));
    stage.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, (event) => this.release(event));
    stage.addEventListener("pointerleave", () => this.state.hover !== null && this.update({ hover: null }));
    stage.addEventListener("dblclick", (event) => this.doubled(event));
    this.onScene = () => this.takeScene();
    this.onMarks = () => this.draw();
    this.model.on("change:_scene", this.onScene);
    this.model.on("change:_marks", this.onMarks);
    this.resized = new ResizeObserver(() => this.drawTransform());
    this.resized.observe(root);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && event.key === "Enter")) return undefined;
    // Also those that mean nothing here: a frontend's shortcuts must not act on what it cannot see.
    event.stopPropagation();
    const own = event.target.closest("button, input");
    if (own && (["Enter", " "].includes(event.key) || (own.type === "range" && /^(Arrow|Page|Home|End)/.test(event.key)))) {
      return undefined;
    }
    const action = event.shiftKey && event.key.startsWith("Arrow") ? this.panning(event.key) : this.action(event.key);
    if (!action) return undefined;
    take(event);
    return action();
  }

  action(key) {
    if (key >= "1" && key <= "5" && key.length === 1) return () => this.cell && this.rate(Number(key));
    return {
      ArrowLeft: () => this.step(-1),
      ArrowRight: () => this.step(1),
      ArrowUp: () => this.stepLine(-1),
      ArrowDown: () => this.stepLine(1),
      Enter: () => this.enter(this.state.mode === "grid" ? "one" : "grid"),
      Escape: this.escape(),
      "+": () => this.zoomBy(ZOOM_STEP),
      "=": () => this.zoomBy(ZOOM_STEP),
      "-": () => this.zoomBy(1 / ZOOM_STEP),
      0: () => this.fit(),
      " ": () => this.flicker(),
      c: () => this.nextComparison(),
      p: () => this.cell && this.pin(),
      s: () => this.cell && this.mark({ starred: !this.marks(this.cell).starred }),
      "[": () => this.toSheet(this.state.sheet - 1),
      "]": () => this.toSheet(this.state.sheet + 1),
      PageUp: () => this.turn(-1),
      PageDown: () => this.turn(1),
      i: () => this.toggle("info"),
      f: () => this.fullScreen(),
      "?": () => this.toggle("help"),
    }[key];
  }

  /** Out of what covers, then out of what is large; in the grid the key is not ours. */
  escape() {
    if (this.state.help || this.state.info) return () => this.update({ help: false, info: false });
    return this.state.mode === "grid" ? undefined : () => this.enter("grid");
  }

  panning(key) {
    const { zoom, x, y } = this.state;
    const [dx, dy] = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[key];
    return () => this.moveTo(zoom, x + dx * 0.12, y + dy * 0.12);
  }

  nextComparison() {
    const modes = [...COMPARING];
    this.enter(modes[(modes.indexOf(this.state.mode) + 1) % modes.length]);
  }

  toggle(name) {
    const others = { help: false, info: false };
    this.update({ ...others, [name]: !this.state[name] });
  }

  fullScreen() {
    if (document.fullscreenElement === this.root) document.exitFullscreen();
    else this.root.requestFullscreen?.().catch(() => this.update({ message: "Full screen is not allowed here." }));
  }

  /** Where in its frame an event happened, from the middle, in shares of the frame. */
  place(event, frame) {
    const box = frame.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width - 0.5, (event.clientY - box.top) / box.height - 0.5];
  }

  wheel(event) {
    const frame = event.target.closest(".frame");
    if (!frame || !(event.ctrlKey || this.root.contains(document.activeElement))) return;
    take(event);
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.zoomBy(Math.exp(-clamp(event.deltaY * lines, -200, 200) * (event.ctrlKey ? 0.01 : 0.002)), this.place(event, frame));
  }

  press(event) {
    const frame = event.target.closest(".frame");
    if (!frame || event.button) return;
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.pressed = { frame, moved: false };
    this.parts.stage.setPointerCapture(event.pointerId);
    frame.focus({ preventScroll: true });
  }

  drag(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return this.hover(event);
    const { frame } = this.pressed;
    const [dx, dy] = [event.clientX - before.x, event.clientY - before.y];
    if (!this.pressed.moved && Math.hypot(dx, dy) < 4) return undefined;
    this.pressed.moved = true;
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    const { zoom, x, y } = this.state;
    if (other) {
      const spread = (point) => Math.hypot(point.x - other.x, point.y - other.y);
      const now = { x: event.clientX, y: event.clientY };
      this.zoomBy(spread(now) / Math.max(1, spread(before)),
        this.place({ clientX: (now.x + other.x) / 2, clientY: (now.y + other.y) / 2 }, frame));
    } else {
      this.moveTo(zoom, x + dx / frame.clientWidth, y + dy / frame.clientHeight);
    }
    return this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  }

  hover(event) {
    const frame = event.target.closest?.(".frame");
    const tile = this.state.mode === "grid" && this.tiles.find((each) => each.frame === frame);
    const index = tile ? this.scene.cells.indexOf(tile.cell) : null;
    if (index !== this.state.hover) {
      this.state.hover = index;
      this.drawFoot();
    }
  }

  release(event) {
    const known = this.pointers.delete(event.pointerId);
    if (!known || this.pressed.moved || this.state.mode !== "grid" || event.type === "pointercancel") return;
    const tile = this.tiles.find((each) => each.frame === this.pressed.frame);
    if (tile) this.go(this.scene.cells.indexOf(tile.cell));
  }

  /** In the grid a picture becomes large; a large one changes between fitting and its own pixels. */
  doubled(event) {
    if (!this.pressed || this.pressed.moved) return;
    if (this.state.mode === "grid") this.enter("one");
    else if (this.state.zoom > 1) this.fit();
    else if (this.scale() > 0) this.zoomBy(Math.max(2, 1 / this.scale()), this.place(event, this.pressed.frame));
  }

  close() {
    clearInterval(this.flickerTimer);
    clearTimeout(this.lookTimer);
    this.resized.disconnect();
    this.model.off("change:_scene", this.onScene);
    this.model.off("change:_marks", this.onMarks);
    this.kernel.close();
    this.originals.close();
    for (const url of this.small.values()) URL.revokeObjectURL(url);
    this.root.remove();
  }
}

function take(event) {
  event.preventDefault();
  event.stopPropagation();
}

export default {
  render({ model, el }) {
    const viewer = new Viewer(model, el);
    return () => viewer.close();
  },
};
