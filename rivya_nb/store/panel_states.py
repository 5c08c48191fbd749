"""The stored states of panels, by the user and the panel's name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from rivya_nb.store.columns import put
from rivya_nb.store.database import Database
from rivya_nb.store.schema import panel_states


class PanelStates:
    """The states of a user's panels in one store, as JSON data. The last stored one is kept."""

    def __init__(self, database: Database, user: str) -> None:
        self._database = database
        self._user = user

    def get(self, name: str) -> dict[str, Any] | None:
        """The state of the panel with this name; None if there is none."""
        with self._database.reading() as connection:
            text = connection.execute(
                select(panel_states.c.state).where(
                    panel_states.c.name == name, panel_states.c.made_by == self._user
                )
            ).scalar_one_or_none()
        state = None if text is None else json.loads(text)
        return state if isinstance(state, dict) else None

    def put(self, name: str, state: Mapping[str, Any]) -> None:
        """Store a state, which must be JSON data, and replace an earlier one."""
        text = json.dumps(dict(state), ensure_ascii=False)
        values = {"state": text, "saved_at": self._database.now()}
        with self._database.writing() as connection:
            put(connection, panel_states, {"name": name, "made_by": self._user}, values)
