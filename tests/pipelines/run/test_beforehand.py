"""A day to come, a full disk and a place that cannot be written are told before the work."""

import datetime as dt
import shutil
import subprocess
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from minerisk.configs.load import load_config
from minerisk.features.errors import InputError
from minerisk.pipelines.cli.main import app
from minerisk.pipelines.provenance.folders import check_place
from minerisk.pipelines.run import beforehand
from minerisk.pipelines.run.folder import Run

TINY = Path(__file__).resolve().parents[3] / "configs" / "tiny.yaml"
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder that even root cannot write: a disk mounted to be read."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro", "none", folder], capture_output=True
    )
    if mounted.returncode:
        folder.chmod(0o555)
    yield folder
    if mounted.returncode:
        folder.chmod(0o755)
    else:
        subprocess.run(["umount", folder], check=True)


def test_a_day_to_come_is_refused_with_the_day_of_the_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tiny = load_config(TINY)
    area = tiny.study_area.model_copy(update={"as_of": dt.date(2024, 5, 2)})
    later = tiny.model_copy(update={"study_area": area})
    at = dt.datetime(2024, 5, 1, 23, 0, tzinfo=dt.UTC)
    monkeypatch.setattr(beforehand, "now", lambda: at)
    with pytest.raises(InputError, match=r"as_of is 2024-05-02, a day to come.*2024-05-01"):
        beforehand.check_day(later)
    monkeypatch.setattr(beforehand, "now", lambda: at + dt.timedelta(hours=1))
    beforehand.check_day(later)


@pytest.mark.parametrize(("free", "enough"), [(1_000_000, False), (10**12, True)])
def test_a_disk_without_room_for_the_cube_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, enough: bool
) -> None:
    run = Run.start(TINY, tmp_path / "run")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 0, free))
    if enough:
        beforehand.check_room(run)
    else:
        with pytest.raises(InputError, match=r"room for 1 MB; 3,\d{3} cells need 20 MB"):
            beforehand.check_room(run)


def test_a_boundary_that_cannot_be_read_is_left_to_validation(tmp_path: Path) -> None:
    run = Run.start(TINY, tmp_path / "run")
    area = run.config.study_area.model_copy(update={"boundary": "settlements"})
    odd = run.config.model_copy(update={"study_area": area})
    beforehand.check_room(replace(run, config=odd, config_path=tmp_path / "nowhere.yaml"))


def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    read_only: Path, tmp_path: Path
) -> None:
    for path in (read_only, read_only / "a" / "b"):
        with pytest.raises(InputError, match="is read-only"):
            check_place(path)
        done = CliRunner().invoke(app, ["run", str(TINY), "--out", str(path)])
        assert "is read-only" in str(done.exception)
    (tmp_path / "file").write_text("kept")
    with pytest.raises(InputError, match="file is no folder"):
        check_place(tmp_path / "file" / "below")
    for path in (tmp_path / "file", tmp_path / "new" / "folder", Path("relative")):
        check_place(path)
