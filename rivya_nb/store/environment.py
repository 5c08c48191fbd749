"""Which store is meant, and where its pictures are, as far as the environment says it."""

from __future__ import annotations

import os

from rivya_nb.store.picture_places import VARIABLE as PICTURES
from rivya_nb.store.places import StorePlace, read_place

_STORE = "RIVYA_STORE"


def store_place(store: str | os.PathLike[str] | None) -> StorePlace:
    """Where the store is: the argument, else `RIVYA_STORE`, else the user's folder."""
    given = store or os.environ.get(_STORE)
    if given:
        return read_place(given)
    from platformdirs import user_data_path

    return user_data_path("rivya_nb", appauthor=False)


def pictures_address(place: StorePlace) -> str | None:
    """What `RIVYA_PICTURES` says of a store; None if it says nothing of it.

    It is about the store that `RIVYA_STORE` names, and about any where that names none: the pictures of another
    store do not get into a laboratory's bucket, where a deletion would find them.
    """
    named = os.environ.get(_STORE)
    if named and read_place(named) != place:
        return None
    return os.environ.get(PICTURES) or None
