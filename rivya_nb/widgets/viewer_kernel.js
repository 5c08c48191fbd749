// Questions to the kernel and their answers.

import { send } from "./dom.js";

const SILENCE = 5000; // ms without an answer after which the kernel is called silent

/** Each answer has its question's id, because several views share one model. */
export class Kernel {
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
      if (!send(this.model, { ...content, id })) {
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
