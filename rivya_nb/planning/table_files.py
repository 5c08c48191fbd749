"""Reading a table from a file: CSV and TSV with a header, JSONL, or plain text with a prompt on each line.

The text is UTF-8, with or without a byte order mark, or UTF-16 with one. Anything else is refused, with its line.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rivya_nb.contract.text import as_sent, file_size, listing, printable
from rivya_nb.errors import Mistake, UsageError, shortened
from rivya_nb.files import open_file, user_path
from rivya_nb.planning.tables import PROMPT_COLUMN, Rows, Table, as_cell, check_size, made_records, made_table

LARGEST = 64_000_000
"""Bytes; a larger file is not read."""

_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_DELIMITERS = ",;\t"
_SHEETS = {
    ".xlsx": "read_excel",
    ".xls": "read_excel",
    ".ods": "read_excel",
    ".parquet": "read_parquet",
    ".feather": "read_feather",
    ".json": "read_json",
}
"""What pandas reads such a file with."""

_MOST_LINES = 20
_NAME_LENGTH = 60

Lines = Sequence[tuple[int, list[str]]]
"""The cells of each row, with the line that it begins on, counted from 1."""


def read_table(given: str | os.PathLike[str]) -> Table:
    """The table in a file; paths in it begin in its folder.

    Raises:
        UsageError: it does not exist, or is no table that can be read; the message names each line.
    """
    path = user_path(given)
    name = printable(path.name, _NAME_LENGTH)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise _wrong(name, _not_read(path))
    table = reader(name, _text(path, name))
    return replace(table, source=name, folder=path.parent)


def is_table_name(text: str) -> bool:
    """Whether a text may be the name of such a file, and no prompt."""
    return len(text.split()) == 1 and Path(text.strip()).suffix.lower() in _READERS


def _not_read(path: Path) -> str:
    pandas = _SHEETS.get(path.suffix.lower())
    if pandas is None:
        return f"a table is a file whose name ends with {listing(ENDINGS)}"
    return f"this is none of {listing(ENDINGS)}; save it as CSV, or give pandas.{pandas}({path.name!r}) in Python"


def _text(path: Path, name: str) -> str:
    file, size = open_file(path)
    with file:
        if size > LARGEST:
            raise _wrong(
                name, f"{file_size(size)} are too much for a table; {file_size(LARGEST)} are allowed"
            )
        data = file.read()
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise _wrong(name, _not_decoded(data, encoding, error)) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise _wrong(
            name, f"line {line} holds a NUL character, so this is no text in UTF-8; save it as UTF-8"
        )
    return text


def _not_decoded(data: bytes, encoding: str, error: UnicodeDecodeError) -> str:
    if encoding == "utf-16":
        good = data[: error.start].decode(encoding, "ignore")
        return (
            f"line {good.count(chr(10)) + 1} is not UTF-16, as the file's first bytes say; save it as UTF-8"
        )
    lines = [number for number, line in enumerate(data.split(b"\n"), start=1) if not _is_utf8(line)]
    which = Rows("line", tuple(lines[:_MOST_LINES])).named(range(min(len(lines), _MOST_LINES)))
    more = f" and {len(lines) - _MOST_LINES:,} more" if len(lines) > _MOST_LINES else ""
    return (
        f"{which}{more} cannot be read as UTF-8 (the first byte that cannot is 0x{data[error.start]:02x}); "
        "save the whole file as UTF-8, which a spreadsheet calls CSV UTF-8"
    )


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _separated(name: str, text: str, delimiter: str) -> Table:
    lines = list(_records(name, text, delimiter))
    if not lines:
        raise _wrong(name, "it is empty; its first line names the columns")
    (_, header), *rows = lines
    check_size(name, len(rows))
    width = max((at for at, title in enumerate(header, start=1) if title.strip()), default=0)
    longer = [line for line, cells in rows if any(map(as_cell, cells[max(width, len(header)) :]))]
    width = max([width, *(_filled(cells) for _, cells in rows if _filled(cells) <= len(header))])
    if longer:
        named = Rows("line", tuple(longer)).named(range(len(longer)))
        raise _wrong(
            name,
            f"{named}: more cells than the {len(header)} of the first line; put a text with "
            f"{_sign(delimiter)} in double quotes",
        )
    cells = [tuple(as_cell(row[at]) if at < len(row) else None for at in range(width)) for _, row in rows]
    return made_table(name, header[:width], cells, Rows("line", tuple(line for line, _ in rows)))


def _filled(cells: Sequence[str]) -> int:
    """How many cells a row has up to the last one that says something."""
    return max((at for at, cell in enumerate(cells, start=1) if cell.strip()), default=0)


def _records(name: str, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if cells:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise _wrong(
            name, f"line {line}: {error}; double quotes within quoted text are written twice"
        ) from None


def _comma_separated(name: str, text: str) -> Table:
    header = text.partition("\n")[0]
    # Where a comma is a decimal sign, spreadsheets separate by semicolons.
    return _separated(name, text, max(_DELIMITERS, key=header.count))


def _tab_separated(name: str, text: str) -> Table:
    return _separated(name, text, "\t")


def _sign(delimiter: str) -> str:
    return {"\t": "a tab", ";": "a semicolon"}.get(delimiter, "a comma")


def _json_lines(name: str, text: str) -> Table:
    items: list[object] = []
    numbers: list[int] = []
    wrong: list[Mistake] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            items.append(json.loads(line))
            numbers.append(number)
        except (ValueError, RecursionError):
            shown = shortened(printable(line), _NAME_LENGTH)
            wrong.append(Mistake(name, f"line {number} is no JSON: {shown}; each line is one object"))
    if wrong:
        raise UsageError(wrong)
    check_size(name, len(items))
    return made_records(name, items, Rows("line", tuple(numbers)))


def _plain_text(name: str, text: str) -> Table:
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if as_sent(line)]
    check_size(name, len(lines))
    rows = [(as_sent(line),) for _, line in lines]
    return made_table(name, [PROMPT_COLUMN], rows, Rows("line", tuple(number for number, _ in lines)))


def _wrong(name: str, message: str) -> UsageError:
    return UsageError([Mistake(name, message)])


_READERS: dict[str, Callable[[str, str], Table]] = {
    ".csv": _comma_separated,
    ".tsv": _tab_separated,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".txt": _plain_text,
}

ENDINGS = tuple(_READERS)
"""How the names of files end that hold a table."""
