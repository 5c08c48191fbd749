"""Mistakes that a type checker finds before anything runs. mypy and pyright expect each: where one is no longer
found, they complain about the comment."""

from __future__ import annotations

import rivya_nb as rv


def names() -> None:
    rv.generate("A fox", seeed=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    rv.plan("A fox", aspect="1:1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    rv.connect(key="…")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    rv.panels  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def values(run: rv.Run) -> None:
    rv.generate("A fox", seeds="many")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    rv.generate("A fox", guidance_scale={})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    rv.generate("A fox", aspect_ratio={"1:1"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    rv.generate("A fox", repeat="4")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    run.wait("a minute")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    run[0].rate("best")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def absences(run: rv.Run) -> None:
    run[0].image.size  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    run[0].path.read_bytes()  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    run.photo  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    run[0].seed = 7  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
