// The marks of the pictures: shown at once, and kept when the kernel confirms them.

const NONE = { rating: 0, favourite: false, excluded: "" };

export class Marks {
  constructor(viewer) {
    this.viewer = viewer;
    this.waiting = new Map(); // job → marks that the kernel has not confirmed yet
  }

  of(cell) {
    if (!cell?.has_picture) return NONE; // It may have been deleted.
    return { ...(this.viewer.model.get("_marks")[cell.job] ?? NONE), ...this.waiting.get(cell.job) };
  }

  /** Rate the current picture; 0 takes the rating away. */
  rate(rating) {
    const { cell } = this.viewer;
    if (cell?.has_picture) this.change(cell, { rating });
  }

  toggleFavourite() {
    const { cell } = this.viewer;
    if (cell?.has_picture) this.change(cell, { favourite: !this.of(cell).favourite });
  }

  /** Show a mark at once; if the kernel refuses it, take it back and show the reason. */
  async change({ job }, changes) {
    const mine = { ...this.waiting.get(job), ...changes };
    this.waiting.set(job, mine);
    this.viewer.update({ message: "" });
    let message = "";
    try {
      await this.viewer.kernel.ask({ kind: "mark", job, ...changes });
    } catch (error) {
      message = `Not kept: ${error.message}`;
    }
    if (this.waiting.get(job) === mine) this.waiting.delete(job);
    this.viewer.update({ message });
  }
}
