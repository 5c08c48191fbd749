"""Runs within qtconsole's environment: executes inputs in a window of its own, and prints what that then says.

Its arguments are a folder for a picture of the window and the inputs, as JSON.
"""

import json
import sys
import time

from qtconsole.manager import QtKernelManager
from qtconsole.rich_jupyter_widget import RichJupyterWidget
from qtpy.QtWidgets import QApplication

SECONDS = 180
INTERRUPTED = 30


def text(console):
    return console._control.toPlainText()


def work(application, until, seconds=SECONDS):
    """Let the window go on until a condition holds; whether it did in time."""
    deadline = time.monotonic() + seconds
    while not until():
        if time.monotonic() > deadline:
            return False
        application.processEvents()
        time.sleep(0.02)
    return True


def pictures(console):
    """How many pictures the window shows."""
    block, found = console._control.document().begin(), 0
    while block.isValid():
        fragments = block.begin()
        while not fragments.atEnd():
            found += fragments.fragment().charFormat().isImageFormat()
            fragments += 1
        block = block.next()
    return found


def execute(application, console, source, interrupt):
    """What the window says to an input, and what it said while it worked."""
    began, during = len(text(console)), set()
    shown = pictures(console)
    console.execute(source)
    work(application, lambda: console._executing, 5)

    def has_ended():
        during.add(text(console)[began:])
        return not console._executing

    if interrupt:
        work(application, lambda: "1 of 40" in text(console)[began:] or has_ended(), 10)
        console.kernel_manager.interrupt_kernel()
    ended = work(application, has_ended, INTERRUPTED if interrupt else SECONDS)
    work(application, lambda: False, 1)
    return {
        "said": text(console)[began:],
        "during": sorted(during, key=len),
        "ended": ended,
        "pictures": pictures(console) - shown,
    }


def main(folder, inputs):
    application = QApplication([])
    manager = QtKernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    console = RichJupyterWidget()
    console.kernel_manager, console.kernel_client = manager, client
    console.resize(1100, 900)
    console.show()
    work(application, lambda: "In [1]" in text(console))
    answers = {}
    for name, source in inputs.items():
        answers[name] = execute(application, console, source, name == "interrupt")
        console.grab().save(f"{folder}/qtconsole-{name.replace(' ', '-')}.png")
    console._control.insertPlainText("%%rivya resolu")
    console._complete()
    work(application, lambda: "resolution=" in text(console)[-40:], 10)
    answers["completion"] = {"said": text(console)[-40:]}
    manager.shutdown_kernel(now=True)
    print(json.dumps(answers))


main(sys.argv[1], json.loads(sys.argv[2]))
