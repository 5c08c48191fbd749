// Blob URLs: of small pictures, which are part of a scene, and of files that are loaded when they are shown.

const AT_ONCE = 3; // files that are loaded side by side
const MOST_FILES = 24; // files that are kept; of a picture the browser decodes up to 16 MB
const MOST_BYTES = 192 * 2 ** 20; // and their encoded bytes

/** The small pictures of a scene, by a cell's key. */
export class SmallPictures {
  constructor() {
    this.urls = new Map();
  }

  /** Use those of `cells`; of the others only that of the key `kept` stays. */
  take(cells, kept) {
    const keys = new Set(cells.filter((cell) => cell.has_picture).map((cell) => cell.key));
    for (const [key, url] of this.urls) {
      if (keys.has(key) || (key === kept && !cells.some((cell) => cell.key === key))) continue;
      URL.revokeObjectURL(url);
      this.urls.delete(key);
    }
    for (const cell of cells) {
      if (!cell.small || this.urls.has(cell.key)) continue;
      this.urls.set(cell.key, URL.createObjectURL(new Blob([cell.small], { type: cell.small_mime })));
    }
  }

  url(key) {
    return this.urls.get(key) ?? null;
  }

  close() {
    for (const url of this.urls.values()) URL.revokeObjectURL(url);
  }
}

/** As many of the cells, from the first one on, as originals may be kept; two in any case. */
export function affordable(cells) {
  let bytes = 0;
  return cells.slice(0, MOST_FILES).filter(({ size }, index) => {
    bytes += size;
    return index < 2 || bytes <= MOST_BYTES;
  });
}

/** Files of one kind, as the kernel sends them: `read` for originals, byte for byte, `preview` for small copies that play. */
export class Files {
  constructor(kernel, kind, changed) {
    this.kernel = kernel;
    this.kind = kind;
    this.changed = changed;
    this.ready = new Map(); // key → {url, size, type}, the least recently used first
    this.loading = new Set();
    this.troubles = new Map(); // key → why it cannot be shown
    this.rates = new Map(); // key → frames a second, 0 where it is no video or that is not known
    this.wishes = [];
    this.wanted = new Set();
    this.closed = false;
  }

  url(key) {
    const found = this.ready.get(key);
    if (!found) return null;
    this.ready.delete(key);
    this.ready.set(key, found);
    return found.url;
  }

  type(key) {
    return this.ready.get(key)?.type ?? "";
  }

  isComing(key) {
    return this.loading.has(key) || this.wishes.includes(key);
  }

  /** The files of these cells are needed now, the most important first; earlier requests that have not begun are dropped. */
  wish(cells) {
    this.wishes = cells.slice(0, MOST_FILES).map(({ key }) => key);
    this.wanted = new Set(this.wishes);
    this.wishes = this.wishes.filter((key) => !this.ready.has(key) && !this.loading.has(key) && !this.troubles.has(key));
    this.begin();
  }

  begin() {
    while (this.loading.size < AT_ONCE && this.wishes.length) {
      this.load(this.wishes.shift());
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

  /** Load in pieces: a message of more than 10 MiB would break the kernel's connection. */
  async read(key) {
    const pieces = [];
    let mime = "";
    for (let offset = 0, total = 1; offset < total; ) {
      const { content, buffers } = await this.kernel.ask({ kind: this.kind, key, offset });
      if (!buffers[0]?.byteLength) throw new Error("Its file is damaged.");
      if (content.total > MOST_BYTES) throw new Error(`The original has ${Math.round(content.total / 1e6)} MB, too many for this page.`);
      if (offset === 0) this.rates.set(key, content.rate);
      pieces.push(buffers[0]);
      offset += buffers[0].byteLength;
      ({ total, mime } = content);
    }
    return new Blob(pieces, { type: mime });
  }

  keep(key, blob) {
    this.ready.set(key, { url: URL.createObjectURL(blob), size: blob.size, type: blob.type });
    let bytes = [...this.ready.values()].reduce((sum, each) => sum + each.size, 0);
    for (const [oldest, { url, size }] of this.ready) {
      if (this.ready.size <= MOST_FILES && bytes <= MOST_BYTES) return;
      if (this.wanted.has(oldest)) continue; // a video reads on from its URL while it plays
      URL.revokeObjectURL(url);
      this.ready.delete(oldest);
      bytes -= size;
    }
  }

  close() {
    this.closed = true;
    for (const { url } of this.ready.values()) URL.revokeObjectURL(url);
    this.ready.clear();
  }
}
