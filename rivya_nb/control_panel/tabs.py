"""The tabs beside the form: the gallery, a tab for each run and each grid, and one for the viewer.

The front end is `tabs.js`: it draws all tabs but the viewer, which is a widget of its own. Each message names the
tab that it is for or from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets
import traitlets

from rivya_nb.control_panel.laid_out import GridTab
from rivya_nb.control_panel.making import give_up, make
from rivya_nb.control_panel.panel_gallery import PanelGallery
from rivya_nb.control_panel.picture_tab import PictureTab
from rivya_nb.widgets.late import LateWidget
from rivya_nb.widgets.modules import joined

if TYPE_CHECKING:
    from rivya_nb.control_panel.model import PanelModel
    from rivya_nb.session.history import Selection
    from rivya_nb.widgets.viewer import Viewer

LOOK = "look"
"""The id of the viewer's tab."""


class TabsWidget(LateWidget):
    """Shows `tabs`, each with its `id`, `title` and `kind`; `chosen` is the id of the one that is seen."""

    module = joined(Path(__file__).with_name("tabs.js"))
    tabs: traitlets.List[dict[str, str]] = traitlets.List().tag(sync=True)
    chosen = traitlets.Unicode("gallery").tag(sync=True)


class Tabs:
    """The tabs of a panel. `gallery` is always there, the others are closed when the user has done with them.

    Tabs are opened and closed on the session's loop.
    """

    def __init__(self, model: PanelModel) -> None:
        self._model = model
        self._opened = 0
        self._back: PictureTab | None = None
        self._look_title = ""
        self.widget = make(TabsWidget)
        self.viewer_place = make(ipywidgets.Box, classes="rivya-looked")
        self.gallery = PanelGallery(self, model)
        self.open_tabs: list[PictureTab] = [self.gallery]
        self._show(self.gallery.id)
        self.widget.on_msg(self._receive)

    @property
    def titles(self) -> list[str]:
        return [tab["title"] for tab in self.widget.tabs]

    @property
    def chosen(self) -> str:
        """The title of the tab that is seen."""
        return next((tab["title"] for tab in self.widget.tabs if tab["id"] == self.widget.chosen), "")

    def tell(self, message: dict[str, Any], pictures: Sequence[bytes]) -> None:
        self.widget.send(message, list(pictures))

    def open(self, tab: PictureTab) -> None:
        """Show a tab: as the first after the gallery, unless it is there already."""
        if tab not in self.open_tabs:
            self.open_tabs.insert(1, tab)
        self._show(tab.id)

    def open_grid(self, chosen: Selection) -> None:
        """A tab with these pictures as a grid."""
        self._opened += 1
        self.open(GridTab(self, self._model, f"grid-{self._opened}", chosen))

    def close_tabs(self, tabs: Iterable[PictureTab]) -> None:
        """Take tabs away; where one of them is seen, the gallery is next."""
        gone = list(tabs)
        self.open_tabs = [tab for tab in self.open_tabs if tab not in gone]
        for tab in gone:
            tab.close()
        self._show(self.widget.chosen)

    def look(self, viewer: Viewer, title: str, mode: str, tab: PictureTab, *, at: str | None = None) -> None:
        """Look closely, in the place of what was looked at before; the way back leads to `tab`."""
        viewer.open_as(mode, at=at, leave=self._come_back)
        self._put_viewer(viewer)
        self._back = tab
        self._look_title = title
        self._show(LOOK)

    def close(self) -> None:
        for tab in self.open_tabs:
            tab.close()
        give_up(self.widget)
        give_up(self.viewer_place)

    def _put_viewer(self, *viewers: Viewer) -> None:
        before = self.viewer_place.children
        self.viewer_place.children = viewers
        for each in before:
            give_up(each)

    def _come_back(self) -> None:
        """Close the viewer, and give the focus to where it was opened."""
        self._put_viewer()
        back = self._back if self._back in self.open_tabs else None
        self._show((back or self.gallery).id)
        (back or self.gallery).tell({"kind": "back"})

    def _show(self, chosen: str) -> None:
        tabs = [{"id": tab.id, "title": tab.title, "kind": tab.kind} for tab in self.open_tabs]
        if self.viewer_place.children:
            tabs.insert(1, {"id": LOOK, "title": self._look_title, "kind": LOOK})
        ids = [tab["id"] for tab in tabs]
        with self.widget.hold_sync():
            self.widget.tabs = tabs
            self.widget.chosen = chosen if chosen in ids else ids[0]

    def _receive(self, _widget: object, content: object, _buffers: object) -> None:
        """A message of the front end; it may come on any thread."""
        if not isinstance(content, dict):
            return
        tab = next((tab for tab in tuple(self.open_tabs) if tab.id == content.get("tab")), None)
        if content.get("kind") == "close":
            self._model.on_loop(self._close_one, tab, content.get("tab"))
        elif tab is not None:
            tab.receive(content)

    def _close_one(self, tab: PictureTab | None, name: object) -> None:
        if name == LOOK:
            self._put_viewer()
            self._show(self.widget.chosen)
        elif tab is not None and tab is not self.gallery:
            self.close_tabs([tab])
