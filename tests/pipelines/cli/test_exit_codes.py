"""What the system refuses is told in words: what ran out, and what to do."""

import errno
import os
import resource

import numpy as np
import pytest

from minerisk.pipelines.cli.exit_codes import ExitCode, endings


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "disk is full (/data/x.tif)"),
        (errno.EDQUOT, "quota of this account on the disk is used up (/data/x.tif)"),
        (errno.EFBIG, "`ulimit -f`"),
        (errno.EROFS, "/data/x.tif is on a disk that is mounted read-only"),
        (errno.EACCES, "/data/x.tif may not be read or written"),
        (errno.EPERM, "immutable"),
        (errno.EMFILE, "`ulimit -n`"),
        (errno.ENOMEM, "Memory has run out"),
        (errno.EIO, "does not read or write (/data/x.tif)"),
        (errno.ENOTDIR, "Not a directory: /data/x.tif"),
    ],
)
def test_each_refusal_of_the_system_names_itself(
    number: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end, endings():
        raise OSError(number, os.strerror(number), "/data/x.tif")
    assert end.value.code == ExitCode.REFUSED
    told = capsys.readouterr().err
    assert words in told
    assert told.count("minerisk: ") == 1


def test_a_limit_without_a_file_is_told_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), endings():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert "disk is full (while writing)" in capsys.readouterr().err


def test_memory_that_runs_out_is_no_fault_and_says_how_much_was_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as end, endings():
        np.empty((1 << 20, 1 << 30), dtype=np.float64)
    assert end.value.code == ExitCode.REFUSED
    told = capsys.readouterr().err
    assert "Memory has run out (Unable to allocate 8.00 PiB" in told
    assert "fewer --workers" in told


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), OSError("no such file")])
def test_what_fails_near_a_limit_of_memory_names_the_limit(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (10_000_000, 10_000_000))
    with pytest.raises(SystemExit) as end, endings():
        raise error
    assert end.value.code == ExitCode.REFUSED
    assert f"Memory has run out ({error}): that of the machine, or a limit" in (
        capsys.readouterr().err
    )


def test_without_a_limit_of_memory_a_fault_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY,) * 2)
    with pytest.raises(SystemExit) as end, endings():
        raise RuntimeError("odd")
    assert end.value.code == ExitCode.FAULT
    assert "A fault of minerisk (RuntimeError: odd)" in capsys.readouterr().err
