"""What commands print: results on standard output, progress on standard error."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from minerisk.plain_text import plain_message

if TYPE_CHECKING:
    from pydantic import JsonValue

    from minerisk.pipelines.records.record import Record


def show(found: "Record | JsonValue", lines: Iterable[str], *, as_json: bool) -> None:
    """Print lines for people, or everything that was found as JSON."""
    if as_json:
        typer.echo(json_text(found))
        return
    for line in lines:
        typer.echo(plain_message(line))


def json_text(found: "Record | JsonValue") -> str:
    """Write a result as JSON, a value a line."""
    from pydantic import BaseModel

    if isinstance(found, BaseModel):
        return found.model_dump_json(indent=1)
    return json.dumps(found, indent=1, sort_keys=True)


def progress_line(line: str) -> None:
    """Print a line about progress."""
    typer.echo(plain_message(line), err=True)
