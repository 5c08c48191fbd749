// What is dropped or pasted anywhere in a panel: files are meant as references, and nothing else may happen to them.

const ADDRESS = "an address is no file; save the picture and drop its file here";
const SMALL = "a picture of this page is dragged in its small size; choose it in the gallery and use it as reference there";

/** `take` is called with files, `refuse` with the name of what is not taken and why, `mark` with whether files are over the
 * panel that `host` is in. Gives what ends it. */
export function listenForFiles(host, { take, refuse, mark }) {
  const panel = () => host.closest(".rivya-panel") ?? host;
  const isInside = (event) => panel().contains(event.target);
  let dragged = null; // what of this page is being dragged

  const has = (event, type) => [...(event.dataTransfer?.types ?? [])].includes(type);
  const isPicture = () => dragged?.nodeName === "IMG";
  // Of another page, a picture may come as its address only, which a field takes as text.
  const isAddress = (event) => !dragged && has(event, "text/uri-list") && !event.target.matches?.("input, textarea");
  // A browser may give a dragged picture of this page as a file, too.
  const isMeant = (event) => isInside(event) && (isPicture() || has(event, "Files") || isAddress(event));

  // Jupyter would insert the file into the notebook, and the browser would leave the page for it.
  function keep(event) {
    event.preventDefault();
    event.stopPropagation();
  }

  function over(event) {
    mark(false);
    if (!isMeant(event)) return;
    keep(event);
    mark(!isPicture() && has(event, "Files"));
  }

  function dropped(event) {
    mark(false);
    if (!isMeant(event)) return;
    keep(event);
    if (isPicture()) refuse(dragged.alt || "the picture", SMALL);
    else if (event.dataTransfer.files.length) take([...event.dataTransfer.files]);
    else refuse("what was dropped", ADDRESS);
  }

  function pasted(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    // Where no text is selected, browsers name another element than the one with the focus.
    if (!files.length || !(isInside(event) || panel().contains(document.activeElement))) return;
    // Spreadsheets and word processors put a picture beside the text, and in a field the text is meant.
    if (event.target.matches?.("input, textarea") && event.clipboardData.getData("text/plain")) return;
    keep(event);
    take(files);
  }

  const listeners = {
    dragstart: (event) => (dragged = event.target),
    dragend: () => (dragged = null),
    dragenter: over,
    dragover: over,
    drop: dropped,
    paste: pasted,
  };
  for (const [name, listener] of Object.entries(listeners)) document.addEventListener(name, listener, true);
  return () => {
    for (const [name, listener] of Object.entries(listeners)) document.removeEventListener(name, listener, true);
  };
}
