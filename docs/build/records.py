"""Records that long targets leave, one JSON file each, and the table that a page has of them."""

import json
import re
import subprocess
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.files import write_whole

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
R = TypeVar("R", bound="DataclassInstance")
_NAME = re.compile(r"^[a-z0-9_]+$")


def commit() -> str:
    """Name the commit that is checked out, with a + where files differ from it."""
    asked = ["git", "describe", "--always", "--abbrev=7", "--exclude=*", "--dirty=+"]
    return subprocess.run(asked, capture_output=True, check=True, text=True).stdout.strip()


def write_record(name: str, found: "DataclassInstance", folder: Path) -> Path:
    """Write a record as ``<folder>/<name>.json``; the name has small letters, digits and _."""
    if not _NAME.match(name):
        raise InputError(f"The record is called {name!r}; expected small letters, digits and _.")
    text = json.dumps(asdict(found), indent=1, ensure_ascii=False)
    return write_whole(folder / f"{name}.json", text + "\n")


def read_records(folder: Path, kind: type[R], *, what: str) -> dict[str, R]:
    """Read the records of a folder, by name and in the order of names.

    Parameters
    ----------
    what
        What a record is of, for the error.

    Raises
    ------
    InputError
        If a file is no record.
    """
    found = {}
    for path in sorted(folder.glob("*.json")):
        try:
            found[path.stem] = kind(**json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError, InputError) as error:
            raise InputError(
                f"{path} is no record of {what} ({error}). Expected an object with "
                f"{', '.join(field.name for field in fields(kind))}."
            ) from error
    return found


def with_table(page: str, table: str) -> str:
    """Put a table between the marks of a page.

    Raises
    ------
    InputError
        If the page does not have both marks.
    """
    head, begun, rest = page.partition(BEGIN)
    _, ended, tail = rest.partition(END)
    if not begun or not ended:
        raise InputError(f"The page lacks the marks {BEGIN} and {END}; put them back.")
    return f"{head}{BEGIN}\n{table}\n{END}{tail}"
