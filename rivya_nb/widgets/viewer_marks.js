// The marks of the pictures: shown at once, and kept when the kernel confirms them.

const NONE = { rating: 0, starred: false };

export const stars = (marks) => "★".repeat(marks.rating) + (marks.starred ? " ✦" : "");
export const spoken = (marks) =>
  [marks.rating ? `rated ${marks.rating} of 5` : "", marks.starred ? "starred" : ""].filter(Boolean).join(", ");

export class Marks {
  constructor(viewer) {
    this.viewer = viewer;
    this.waiting = new Map(); // job → marks that the kernel has not confirmed yet
  }

  of(cell) {
    if (!cell?.has_picture) return NONE; // It may have been deleted.
    return { ...(this.viewer.model.get("_marks")[cell.job] ?? NONE), ...this.waiting.get(cell.job) };
  }

  /** Rate the current picture; the same rating again removes it. */
  rate(rating) {
    const { cell } = this.viewer;
    if (cell?.has_picture) this.change(cell, { rating: this.of(cell).rating === rating ? 0 : rating });
  }

  star() {
    const { cell } = this.viewer;
    if (cell?.has_picture) this.change(cell, { starred: !this.of(cell).starred });
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
