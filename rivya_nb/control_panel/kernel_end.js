// The end of the kernel that a widget belongs to, as far as the page lets a widget see it.

const ENDS = new Set(["restarting", "autorestarting", "terminating", "dead"]);

/** `act` is called with what has become of the kernel when it is restarted or ends; gives what ends the watching. */
export function watchKernel(model, act) {
  // The managers of JupyterLab, Notebook and Voilà have it. Where there is none, the next message that cannot be sent tells.
  const changes = model.widget_manager?.kernel?.statusChanged;
  const heard = (_, status) => {
    if (ENDS.has(status)) act(status.endsWith("restarting") ? "was restarted" : "has ended");
  };
  changes?.connect(heard);
  return () => changes?.disconnect(heard);
}
