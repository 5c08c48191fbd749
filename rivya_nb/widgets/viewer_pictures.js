// Blob URLs of pictures: small ones, which are part of a scene, and originals, loaded when they are shown.

const AT_ONCE = 3; // originals that are loaded side by side
const MOST_ORIGINALS = 24; // originals that are kept, decoded up to 16 MB each by the browser
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

/** The originals that were shown last, byte for byte. */
export class Originals {
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

  /** The originals needed now, the most important first; earlier requests that have not begun are dropped. */
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

  /** Load in pieces: a message of more than 10 MiB would break the kernel's connection. */
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
