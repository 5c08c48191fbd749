// Judging in a notebook: files come from the kernel, and votes go to it.

import { element } from "./dom.js";
import { Judge } from "./judge.js";
import { keepOutOfSaves } from "./saves.js";
import { Kernel } from "./viewer_kernel.js";

class KernelSource {
  constructor(model, silent) {
    this.model = model;
    this.kernel = new Kernel(model, silent);
    Object.assign(this, model.get("_ballot"));
  }

  question(place) {
    return this.questions[this.asked[place]];
  }

  async files(place) {
    const { content, buffers } = await this.kernel.ask({ kind: "files", place });
    return buffers.map((data, at) => {
      const type = content.types[at];
      return { src: URL.createObjectURL(new Blob([data], { type })), type };
    });
  }

  vote(place, better, seconds) {
    return this.kernel.ask({ kind: "vote", place, better, seconds });
  }

  takeBack(place) {
    return this.kernel.ask({ kind: "back", place });
  }

  sure() {
    return this.model.get("_sure");
  }

  end() {
    return element("p", {}, "The result is shown by ", element("code", {}, "ranking.strengths"), ", or when this cell runs again.");
  }
}

export default {
  render({ model, el }) {
    keepOutOfSaves(model.widget_manager);
    const source = new KernelSource(model, (silent) => judge.say(silent ? "The kernel has not answered yet: it prepares the next pair, or is busy." : ""));
    const judge = new Judge(el, source);
    const count = () => judge.count();
    model.on("change:_sure", count);
    return () => {
      model.off("change:_sure", count);
      source.kernel.close();
      judge.close();
    };
  },
};
