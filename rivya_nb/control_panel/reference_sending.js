// Files on their way to the kernel, in pieces.

import { send } from "../widgets/dom.js";

const PIECE = 1 << 20; // bytes; a message above 10 MiB would close the kernel's connection
const IN_FLIGHT = 4; // pieces sent ahead of the kernel's answers
const CUT = "cut off by the end of the kernel; run the panel's cell again, and add it there";
const GONE = "nobody takes it; if the kernel was restarted, run the panel's cell again";

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

// A table of prompts is no reference; the kernel knows it by the end of its name, too.
const isTable = (file) => /\.(csv|tsv|jsonl|ndjson|txt)$/i.test(file.name);

// Why a file need not even be sent, or nothing; `taken` is how many there are in the set that it would go to.
function refusal(file, rules, shrink, taken) {
  if (isTable(file)) return file.size === 0 ? "the file is empty" : "";
  if (!rules.taken) return "this model takes no references";
  if (rules.max_files !== null && taken >= rules.max_files) return `${rules.max_files === 1 ? "1 reference is" : `${rules.max_files} references are`} the most this model takes`;
  if (file.size === 0) return "the file is empty";
  // The browser goes by the name; the kernel looks at the bytes.
  const kind = file.type.split("/")[0];
  const isPicture = kind !== "video" && kind !== "audio";
  const limit = shrink && isPicture ? rules.largest : (rules.limits[isPicture ? "image" : kind] ?? rules.largest);
  const way = file.size > rules.largest || !isPicture ? "" : "; “shrink what is too large” sends it encoded anew";
  if (file.size > limit) return `${megabytes(file.size)} is over the limit of ${megabytes(limit)}${way}`;
  return "";
}

export class Sending {
  /** `changed` is called when there is more or less on its way, `refuse` with a file's name and why it is not taken. */
  constructor(model, changed, refuse) {
    this.model = model;
    this.changed = changed;
    this.refuse = refuse;
    this.files = new Map(); // by number: { file, sent, answered }
    this.number = 0;
  }

  take(files) {
    const rules = this.model.get("rules");
    let taken = this.model.get("items").length + this.files.size;
    for (const file of files) {
      // Of an axis, each file is a set of its own.
      const why = refusal(file, rules, this.model.get("shrink"), this.model.get("several") ? 0 : taken);
      if (why) {
        this.refuse(file.name || "the pasted file", why);
        continue;
      }
      if (!isTable(file)) taken += 1;
      // Later files have higher numbers, also where another view of the same references has sent some.
      this.number = Math.max(this.number + 1, Date.now());
      // The pieces follow when this is answered: messages may overtake each other on the kernel's threads.
      if (send(this.model, { kind: "begin", file: this.number, name: file.name || "pasted.png", size: file.size })) {
        this.files.set(this.number, { file, sent: 0, answered: 0 });
      } else this.refuse(file.name, GONE);
    }
    this.changed();
  }

  answered(message) {
    const state = this.files.get(message.file);
    if (!state) return;
    if (message.kind === "got") {
      state.answered = message.bytes;
      this.push(message.file);
    } else {
      this.files.delete(message.file);
      if (message.kind === "refused") this.refuse(message.name, message.why);
    }
    this.changed();
  }

  async push(which) {
    const state = this.files.get(which);
    while (state && this.files.has(which) && state.sent < state.file.size && state.sent - state.answered < IN_FLIGHT * PIECE) {
      const start = state.sent;
      state.sent = Math.min(state.file.size, start + PIECE);
      let piece;
      try {
        piece = await state.file.slice(start, state.sent).arrayBuffer();
      } catch {
        send(this.model, { kind: "drop", file: which });
        this.giveUp(which, "the browser cannot read it any more");
        return;
      }
      if (!send(this.model, { kind: "piece", file: which, offset: start }, [new DataView(piece)])) {
        this.giveUp(which, GONE);
        return;
      }
    }
  }

  /** Nobody is there any more to answer for what is on its way. */
  cut() {
    for (const which of [...this.files.keys()]) this.giveUp(which, CUT);
  }

  // Generate waits for what is on its way.
  cancel(which) {
    send(this.model, { kind: "drop", file: which });
    this.files.delete(which);
    this.changed();
  }

  close() {
    for (const which of [...this.files.keys()]) this.cancel(which);
  }

  giveUp(which, why) {
    const { file } = this.files.get(which);
    this.files.delete(which);
    this.refuse(file.name, why);
    this.changed();
  }
}
