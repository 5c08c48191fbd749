// What is changed while the kernel has not answered an earlier change of the same control is held back by ipywidgets
// until it has. A click is not, and would get there first, and mean a form that nobody saw.

// Sends what is held back of a widget, and of all that is in it. These names are ipywidgets' own, of version 7 and 8;
// where they are others one day, nothing is sent ahead.
export function sendHeldChanges(model) {
  const held = model._msg_buffer;
  if (held && model.send_sync_message) {
    const callbacks = model._msg_buffer_callbacks;
    model._msg_buffer = null;
    model._msg_buffer_callbacks = null;
    const message = model.send_sync_message(held, callbacks ?? {});
    model.rememberLastUpdateFor?.(message);
  }
  for (const child of model.get("children") ?? []) sendHeldChanges(child);
}
