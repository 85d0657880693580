"""Lists that an operator hands in as CSV: read, or refused with the line and what is wrong."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from privata.core.errors import PrivataError


def read_list(
    path: Path, needed: Sequence[str], columns: Sequence[str]
) -> list[tuple[int, dict[str, str]]]:
    """Each line's number and its `columns`, stripped; "" for what it does not say.

    `PrivataError` for a file that cannot be read, that lacks a `needed` column, or in which a line
    has more values than there are columns: a comma within a value would shift or cut it.
    """
    try:
        # A byte order mark is what spreadsheets begin a file with.
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise PrivataError(f"{path} is not UTF-8 text. Save the list as CSV in UTF-8.") from None
    except OSError as error:
        raise PrivataError(f"{path} cannot be read: {error.strerror}.") from None
    if "\0" in text:
        raise PrivataError(f"{path} contains NUL bytes. Save the list as CSV in UTF-8.")
    reader = csv.DictReader(io.StringIO(text))
    for name in needed:
        if name not in (reader.fieldnames or ()):
            raise PrivataError(
                f"{path} has no column {name}. The first line must name the columns, separated by"
                f" commas: {','.join(columns)}."
            )
    found = []
    for row in reader:
        if None in row:
            raise PrivataError(
                f"{path}, line {reader.line_num}: it has more values than there are columns. Put a"
                " value that contains a comma in double quotes."
            )
        found.append((reader.line_num, {name: (row.get(name) or "").strip() for name in columns}))
    return found
