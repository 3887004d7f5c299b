"""`record_validity` writes what a long test measured; docs/validity.md is made from it."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from docs.build.validity_page import FOLDER, Result, record

Record = Callable[..., Result]


@pytest.fixture
def record_validity() -> Record:
    """Give ``record_validity(name, *, title, claim, protocol, target, measured, passed, words="",
    table=(), figure=None)``: see `validity_page.Result` for what each is. Call it *before*
    the assert, so that a missed target reaches the page too.

    The folder is that of the environment variable MINERISK_VALIDITY, or docs/validity.
    """
    folder = Path(os.environ.get("MINERISK_VALIDITY") or FOLDER)
    started = time.monotonic()

    def write(name: str, **what: Any) -> Result:
        taken = round(time.monotonic() - started, 1)
        result = Result(name=name, **({"seconds": taken} | what))
        record(result, folder)
        return result

    return write
