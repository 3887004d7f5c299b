"""A folder that is replaced is the old one or the new one, whatever ends the writing process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from minerisk.features.cube.zarr_files import set_aside
from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.folders import replacing_folder

ROOT = Path(__file__).resolve().parents[3]
WRITES = """
import os, signal, sys
from pathlib import Path
from minerisk.pipelines.provenance import folders
where, after = Path(sys.argv[1]), int(sys.argv[2])
calls = []
rename = Path.rename

def dying(self, target):
    if len(calls) == after:
        os.kill(os.getpid(), signal.SIGKILL)
    calls.append(target)
    return rename(self, target)

Path.rename = dying
with folders.replacing_folder(where) as made:
    (made / "new").write_text("new")
    if after < 0:
        os.kill(os.getpid(), signal.SIGKILL)
"""
HOLDS = """
import sys
from pathlib import Path
from minerisk.pipelines.provenance.folders import replacing_folder
with replacing_folder(Path(sys.argv[1])) as made:
    (made / "theirs").write_text("theirs")
    print("held", flush=True)
    sys.stdin.readline()
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write_half(folder: Path) -> None:
    with replacing_folder(folder) as made:
        (made / "half").write_text("half")
        raise OSError(28, "full")


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = tmp_path / "place" / "pack"
    (folder / "maps").mkdir(parents=True)
    (folder / "maps" / "old").write_text("old")
    return folder


def test_a_new_folder_appears_whole_and_nothing_is_left_beside_it(pack: Path) -> None:
    for _ in range(2):
        with replacing_folder(pack) as made:
            (made / "new").write_text("new")
            assert names(pack) != ["new"] or (pack / "new").read_text() == "new"
        assert names(pack) == ["new"]
        assert names(pack.parent) == ["pack"]


def test_an_error_leaves_the_earlier_folder(pack: Path) -> None:
    with pytest.raises(OSError, match="full"):
        write_half(pack)
    assert names(pack) == ["maps"]
    assert names(pack.parent) == ["pack"]


@pytest.mark.parametrize("after", [-1, 0, 1])
def test_a_kill_leaves_the_earlier_folder_and_the_next_call_goes_through(
    pack: Path, after: int
) -> None:
    done = subprocess.run([sys.executable, "-c", WRITES, str(pack), str(after)], cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    earlier = pack if after < 1 else set_aside(pack)  # between two renames it stands aside
    assert names(earlier) == ["maps"]
    with pytest.raises(OSError, match="full"):
        write_half(pack)
    assert names(pack) == ["maps"]
    with replacing_folder(pack) as made:
        (made / "new").write_text("new")
    assert names(pack) == ["new"]
    assert names(pack.parent) == ["pack"]


def test_two_processes_do_not_write_one_folder_at_once(pack: Path) -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(pack)], cwd=ROOT, text=True, **pipes
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(InputError, match="Another minerisk process writes"):
            replacing_folder(pack).__enter__()
        assert names(pack) == ["maps"]
        other.communicate("go\n")
    assert names(pack) == ["theirs"]


def test_a_link_stays_a_link_and_what_it_leads_to_is_replaced(pack: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(pack)
    with replacing_folder(link) as made:
        (made / "new").write_text("new")
    assert link.is_symlink()
    assert names(pack) == ["new"]


def test_a_file_and_the_top_of_a_disk_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    for path in (tmp_path / "file", Path(os.sep)):
        with pytest.raises(InputError, match="no folder that can be replaced"):
            replacing_folder(path).__enter__()
    assert (tmp_path / "file").read_text() == "kept"
