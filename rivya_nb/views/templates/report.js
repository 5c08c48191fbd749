// A closer look at a report's pictures. All text is set as text; nothing is built from HTML.

function element(tag, values = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(values)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

const button = (text, title, onclick) => element("button", { type: "button", title, onclick }, text);
const tiles = () => [...document.querySelectorAll(".picture:has(> img)")];
const caption = (tile) => tile.querySelector("img").dataset.caption;

const look = element("dialog", { "aria-label": "A closer look", tabIndex: -1, onclose: closed });
const pick = element("p", { className: "pick", hidden: true, role: "status" });
let shown = []; // one tile, or the two that are compared
let picking = null; // the tile that another is to be compared with
let sliding = false;
let zoom = 1;

function open(...chosen) {
  stopPicking();
  shown = chosen;
  zoom = 1;
  if (!look.open) look.showModal();
  render();
}

function closed() {
  // Where the reader was, also after some steps with the arrow keys.
  shown[0]?.focus();
}

function render() {
  const pressed = look.contains(document.activeElement) ? document.activeElement.textContent : "";
  const two = shown.length === 2;
  const menu = element("menu", {},
    two ? toggle("Side by side", "next to each other (s)", !sliding, () => slide(false)) : button("◂", "the result before (←)", () => step(-1)),
    two ? toggle("Slider", "one over the other, with a slider (s)", sliding, () => slide(true)) : button("▸", "the next result (→)", () => step(1)),
    button("−", "smaller (-)", () => scale(1 / 1.5)),
    button("+", "larger (+)", () => scale(1.5)),
    button("Fit", "as large as fits (0)", () => scale(0)),
    two ? button("Swap", "change their places (x)", swap) : button("Compare with…", "choose another result to compare with (c)", startPicking),
    button("Close", "close (Esc)", () => look.close()),
  );
  const stage = two && sliding ? slider() : element("div", { className: two ? "stage two" : "stage" }, ...shown.map(pane));
  look.replaceChildren(menu, ...(Array.isArray(stage) ? stage : [stage]));
  // The keyboard stays on the button that was pressed, or else in the dialog.
  ([...look.querySelectorAll("button")].find((each) => pressed && each.textContent === pressed) ?? look).focus();
  fit();
  link();
}

function toggle(text, title, pressed, act) {
  const made = button(text, title, act);
  made.setAttribute("aria-pressed", pressed);
  return made;
}

function picture(tile) {
  const { src, alt } = tile.querySelector("img");
  return element("img", { src, alt, draggable: false });
}

function pane(tile) {
  const view = element("div", { className: "view", tabIndex: 0 }, picture(tile));
  return element("figure", { className: "pane" }, view, element("figcaption", {}, caption(tile)));
}

function slider() {
  const [under, over] = shown.map(picture);
  over.className = "over";
  const view = element("div", { className: "view", tabIndex: 0 }, under, over);
  const range = element("input", {
    type: "range", min: 0, max: 100, value: 50, "aria-label": "how much of the left picture is shown",
    oninput: () => over.style.setProperty("--split", `${range.value}%`),
  });
  const words = shown.map((tile) => element("span", {}, caption(tile)));
  return [element("div", { className: "stage" }, view), element("div", { className: "slide" }, words[0], range, words[1])];
}

/** Draw all pictures at the same scale: those that fit their panes, times the zoom. */
function fit() {
  const views = [...look.querySelectorAll(".view")];
  const images = [...look.querySelectorAll(".view img")];
  const sizes = images.map((_, place) => shown[place].querySelector("img")).map(({ width, height, naturalWidth, naturalHeight }) => [naturalWidth || width, naturalHeight || height]);
  const over = images.length > views.length; // One lies over the other: both get the size of the first.
  images.forEach((image, place) => {
    const view = views[over ? 0 : place];
    const [width, height] = sizes[over ? 0 : place];
    const share = Math.min(view.clientWidth / width, view.clientHeight / height) * zoom;
    image.style.width = `${Math.floor(width * share)}px`;
    image.style.height = `${Math.floor(height * share)}px`;
  });
}

/** What is scrolled in one pane is scrolled in the other; a picture is dragged with the mouse. */
function link() {
  const views = [...look.querySelectorAll(".view")];
  for (const view of views) {
    view.addEventListener("scroll", () => {
      for (const other of views) {
        const share = (all, seen, at) => (all > seen ? at / (all - seen) : 0);
        other.scrollLeft = share(view.scrollWidth, view.clientWidth, view.scrollLeft) * (other.scrollWidth - other.clientWidth);
        other.scrollTop = share(view.scrollHeight, view.clientHeight, view.scrollTop) * (other.scrollHeight - other.clientHeight);
      }
    });
    view.addEventListener("pointermove", (event) => {
      if (event.buttons === 1 && event.pointerType === "mouse") view.scrollBy(-event.movementX, -event.movementY);
    });
    view.addEventListener("dblclick", () => scale(zoom > 1 ? 0 : 2.5));
  }
}

function scale(factor) {
  zoom = factor ? Math.min(12, Math.max(1, zoom * factor)) : 1;
  fit();
  for (const view of look.querySelectorAll(".view")) {
    view.scrollTo((view.scrollWidth - view.clientWidth) / 2, (view.scrollHeight - view.clientHeight) / 2);
  }
}

function slide(on) {
  sliding = on;
  render();
}

function swap() {
  shown.reverse();
  render();
}

function step(by) {
  const all = tiles();
  shown = [all[(all.indexOf(shown[0]) + by + all.length) % all.length]];
  render();
}

function startPicking() {
  const [first] = shown;
  look.close();
  picking = first;
  first.classList.add("picked");
  document.body.classList.add("picking");
  pick.replaceChildren(`Choose the result to compare with ${caption(first)} `, button("Cancel", "compare nothing (Esc)", stopPicking));
  pick.hidden = false;
}

function stopPicking() {
  picking?.classList.remove("picked");
  document.body.classList.remove("picking");
  picking = null;
  pick.hidden = true;
}

function choose(tile) {
  if (picking && picking !== tile) open(picking, tile);
  else open(tile);
}

/** Rows become columns: cells change their places, and the headings their sides. */
function turn(table) {
  const rows = [...table.tBodies[0].rows].map((row) => [...row.cells]);
  const heads = [...table.tHead.rows[0].cells].slice(1);
  const [labels, cells] = [rows.map(([label]) => label), rows.map(([, ...rest]) => rest)];
  for (const head of heads) as(head, "row");
  for (const label of labels) as(label, "col");
  table.tHead.rows[0].replaceChildren(table.tHead.rows[0].cells[0], ...labels);
  table.tBodies[0].replaceChildren(...heads.map((head, place) => element("tr", { role: "row" }, head, ...cells.map((row) => row[place]))));
  const widest = Math.max(...[...table.querySelectorAll(".picture")].map((tile) => Number.parseInt(tile.style.getPropertyValue("--wide"), 10)));
  table.style.setProperty("--columns", labels.length);
  table.style.setProperty("--wide", `${widest * labels.length}px`);
  table.style.setProperty("--tracks", `var(--labels) repeat(${labels.length}, minmax(5.5rem, 1fr))`);
}

function as(heading, scope) {
  heading.scope = scope;
  heading.setAttribute("role", scope === "row" ? "rowheader" : "columnheader");
}

document.body.prepend(pick);
document.body.append(look);
for (const tile of tiles()) {
  tile.tabIndex = 0;
  tile.setAttribute("role", "button");
  tile.addEventListener("click", () => choose(tile));
  tile.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    choose(tile);
  });
}
for (const table of document.querySelectorAll("table.pictures")) {
  if (!table.tHead || !table.classList.contains("labelled")) continue;
  const press = button("Swap rows and columns", "lay this grid out the other way round", () => turn(table));
  press.className = "turn";
  table.closest(".scrolls").before(press);
}
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && picking) stopPicking();
});
look.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.type === "range") return;
  const two = shown.length === 2;
  const keys = {
    ...(two ? { s: () => slide(!sliding), x: swap } : { c: startPicking }),
    ...(!two && zoom === 1 ? { ArrowLeft: () => step(-1), ArrowRight: () => step(1) } : {}),
    "+": () => scale(1.5), "=": () => scale(1.5), "-": () => scale(1 / 1.5), 0: () => scale(0),
  };
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});
window.addEventListener("resize", () => look.open && fit());
