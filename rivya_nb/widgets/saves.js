// Keeps widgets out of a notebook that is saved with widget state.

// There is no public way to keep a widget out of a notebook that is saved with widget state. Without a kernel it is
// dead, and what its cell also holds is better; where this inside is another one day, it is saved again.
export function keepOutOfSaves(manager) {
  const whole = manager?.get_state_sync;
  if (!whole || whole.isLean) return;
  const lean = (options) => {
    const saved = whole.call(manager, options);
    const drop = (id) => {
      const entry = saved.state[id];
      delete saved.state[id];
      const inside = entry ? JSON.stringify(entry.state).matchAll(/"IPY_MODEL_(\w+)"/g) : [];
      for (const [, other] of inside) drop(other);
    };
    for (const [id, { state }] of Object.entries(saved.state)) {
      if (state._anywidget_id?.startsWith("rivya_nb.") || state._dom_classes?.includes("rivya-panel")) drop(id);
    }
    return saved;
  };
  lean.isLean = true;
  manager.get_state_sync = lean;
}
