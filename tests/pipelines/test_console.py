"""What compiled code prints stays off the terminal."""

import ctypes

import pytest

from pipelines.console import muted


def test_compiled_code_is_heard_before_and_after_but_not_within(
    capfd: pytest.CaptureFixture[str],
) -> None:
    library = ctypes.CDLL(None)
    library.puts(b"before")
    with muted():
        library.puts(b"within")
    library.puts(b"after")
    library.fflush(None)
    assert capfd.readouterr().out.split() == ["before", "after"]
