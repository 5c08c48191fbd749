// Loads a widget's front end, which the kernel sends in a message. While it lives, what its cell also holds for pages
// without a kernel is out of sight; the style sheets say so, by the class `rivya-alive`.

const KIND = "rivya-front-end";
const PATIENCE = 500; // milliseconds until it is asked for: a page that was loaded later has missed the message

function load(model) {
  return new Promise((resolve, reject) => {
    const take = (message) => {
      if (message?.kind !== KIND) return;
      clearTimeout(timer);
      model.off("msg:custom", take);
      dress(message, document.head);
      const url = URL.createObjectURL(new Blob([message.module], { type: "text/javascript" }));
      const front = import(url).then((module) => ({ message, front: module.default }));
      front.then(resolve, reject).finally(() => URL.revokeObjectURL(url));
    };
    model.on("msg:custom", take);
    const timer = setTimeout(() => {
      try {
        model.send({ kind: KIND });
      } catch {
        // There is no kernel: what the cell also holds stays in sight.
      }
    }, PATIENCE);
  });
}

function dress({ name, sheet }, place) {
  if (!sheet) return;
  const id = `rivya-${name}`;
  const style = place.querySelector(`#${id}`) ?? place.appendChild(document.createElement("style"));
  style.id = id;
  style.textContent = sheet;
}

export default () => {
  let loaded;
  return {
    initialize({ model }) {
      loaded = load(model);
    },
    async render(given) {
      const { message, front } = await loaded;
      const root = given.el.getRootNode();
      // The page's styles do not reach into a shadow, in which marimo draws each widget.
      if (root instanceof ShadowRoot) dress(message, root);
      given.el.classList.add("rivya-alive");
      return front.render(given);
    },
  };
};
