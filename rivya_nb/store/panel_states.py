"""The stored states of panels, by the panel's name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, insert, select

from rivya_nb.store.database import Database
from rivya_nb.store.schema import panel_states


class PanelStates:
    """The states of the panels of one store, as JSON data. The last stored one is kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> dict[str, Any] | None:
        """The state of the panel with this name; None if there is none."""
        with self._database.reading() as connection:
            text = connection.execute(
                select(panel_states.c.state).where(panel_states.c.name == name)
            ).scalar_one_or_none()
        state = None if text is None else json.loads(text)
        return state if isinstance(state, dict) else None

    def put(self, name: str, state: Mapping[str, Any]) -> None:
        """Store a state, which must be JSON data, and replace an earlier one."""
        text = json.dumps(dict(state), ensure_ascii=False)
        with self._database.writing() as connection:
            connection.execute(delete(panel_states).where(panel_states.c.name == name))
            values = {"name": name, "state": text, "saved_at": self._database.now()}
            connection.execute(insert(panel_states).values(values))
