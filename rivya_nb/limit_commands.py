"""The command `rivya-nb limits`: what users of a store may spend, and what is used of it."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from rivya_nb.errors import StoreError, UsageError

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction
    from collections.abc import Sequence

    from rivya_nb.store.credit_limits import CreditUse
    from rivya_nb.store.store import Store

_BAR = 20
_MOST = 10**12
_MOST_NAMES = 12

_WHAT = (
    "Without `set` or `unset`, shows the credit limits of a store with what is used of each. A limit is for one "
    "user, or for all users of the store together, in each day, week or month. Days begin at midnight UTC, weeks "
    "on Monday. What was billed or is reserved counts, and the price of what was asked for and not sent yet."
)
_HONEST = (
    "Names are accounting, not security: a user is called what JUPYTERHUB_USER says, or else the login, and "
    "whoever can write the store can also change its limits."
)


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add this command to the parser's."""
    limits = commands.add_parser(
        "limits",
        help="show and set what the users of a store may spend in a day, a week or a month",
        description=_WHAT,
        epilog=_HONEST,
    )
    _add_store(limits, None)
    limits.set_defaults(command=_show)
    parts = limits.add_subparsers(metavar="set | unset")

    setting = parts.add_parser(
        "set", help="set a limit", description="Sets a limit of credits.", epilog=_HONEST
    )
    setting.add_argument("credits", type=_credits, metavar="CREDITS", help="what may be spent in each period")
    _add_whose(setting)
    setting.add_argument("--per", choices=("day", "week", "month"), required=True, help="the period")
    setting.add_argument(
        "--unknown",
        type=_credits,
        metavar="CREDITS",
        help="what a request counts as whose price is not known; by default, such requests are refused",
    )
    _add_store(setting, argparse.SUPPRESS)
    setting.set_defaults(command=_set)

    unsetting = parts.add_parser("unset", help="take limits away", description="Takes limits away.")
    _add_whose(unsetting)
    unsetting.add_argument("--per", choices=("day", "week", "month"), help="the period; default: all")
    _add_store(unsetting, argparse.SUPPRESS)
    unsetting.set_defaults(command=_unset)


def _add_whose(parser: ArgumentParser) -> None:
    whose = parser.add_mutually_exclusive_group(required=True)
    whose.add_argument("--user", type=_name, metavar="NAME", help="the user who is limited")
    whose.add_argument(
        "--store-wide", dest="user", action="store_const", const="", help="all users of the store together"
    )


def _add_store(parser: ArgumentParser, default: str | None) -> None:
    told = (
        "the store: a folder, or postgresql://host/database; default: RIVYA_STORE, else the user's own folder"
    )
    parser.add_argument("--store", default=default, help=told)


def _show(options: argparse.Namespace) -> int:
    with _Opened(options.store) as store:
        uses = store.credit_limits.uses()
        if uses:
            print(f"Credit limits in {store.place}\n{limits_text(uses)}")
        else:
            print(
                f"There are no credit limits in {store.place}; `rivya-nb limits set --user NAME --per month "
                "CREDITS` sets one."
            )
    return 0


def _set(options: argparse.Namespace) -> int:
    from rivya_nb.contract.text import did_you_mean, listing
    from rivya_nb.store.credit_limits import CreditLimit

    with _Opened(options.store, may_be_new=True) as store:
        limit = CreditLimit(options.user, options.per, options.credits, options.unknown)
        known = store.users.names()
        store.credit_limits.set(limit)
        print(limits_text([use for use in store.credit_limits.uses() if use.limit == limit]))
        if limit.who and limit.who not in known:
            others = f"; there are {listing(known[:_MOST_NAMES])}." if known else "."
            print(
                f"Nobody called {limit.who} has asked for anything in this store yet"
                f"{did_you_mean(limit.who, known) or others}"
            )
    return 0


def _unset(options: argparse.Namespace) -> int:
    from rivya_nb.contract.text import count

    with _Opened(options.store) as store:
        gone = store.credit_limits.unset(options.user, options.per)
        if not gone:
            per = f" a {options.per}" if options.per else ""
            raise UsageError(
                f"There is no limit{per} for {options.user or 'the whole store'}; nothing was changed."
            )
        print(f"{count(gone, 'limit')} of {options.user or 'the whole store'} taken away.")
    return 0


def limits_text(uses: Sequence[CreditUse]) -> str:
    """A line for each limit, with a bar of what is used."""
    from rivya_nb.contract.text import aligned

    numbers = [f"{use.used:,} of {use.limit.credits:,} credits" for use in uses]
    widest = max(map(len, numbers))
    rows = []
    for number, use in zip(numbers, uses, strict=True):
        limit = use.limit
        full = _BAR if use.used >= limit.credits else use.used * _BAR // limit.credits
        bar = "━" * full + "┄" * (_BAR - full)
        rule = "refused" if limit.unknown is None else f"count as {limit.unknown:,}"
        rows.append(
            (
                f"  {limit.who or 'the whole store'}",
                f"a {limit.per}",
                bar,
                number.rjust(widest),
                f"until {use.until_words}",
                f"prices not known: {rule}",
            )
        )
    return "\n".join(aligned(rows))


class _Opened:
    """An open store, closed when the block ends."""

    def __init__(self, given: str | None, *, may_be_new: bool = False) -> None:
        self._given = given
        self._may_be_new = may_be_new

    def __enter__(self) -> Store:
        from rivya_nb.session.showing.waiting import WaitLine
        from rivya_nb.store.environment import pictures_address, store_place
        from rivya_nb.store.store import Store

        place = store_place(self._given)
        if isinstance(place, Path) and not self._may_be_new and not Store.is_in(place):
            raise StoreError(f"There is no store in {place}; --store or RIVYA_STORE names another one.")
        self._store = Store.open(place, pictures_address(place), WaitLine().show)
        return self._store

    def __exit__(self, *_: object) -> None:
        self._store.close()


def _credits(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,13}", text) or int(text) > _MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {_MOST:,}")
    return int(text)


def _name(text: str) -> str:
    from rivya_nb.store.users import one_line

    if not one_line(text):
        raise argparse.ArgumentTypeError("a user's name must not be empty; --store-wide is for all users")
    return one_line(text)
