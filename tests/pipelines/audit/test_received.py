"""A run folder that somebody sends reads and writes nothing elsewhere, and calls nobody."""

import json
import os
import sqlite3
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minerisk.features.cube.store import open_cube, open_store
from minerisk.features.errors import FindingError, InputError, MineriskError
from minerisk.features.files.plain_files import check_json, read_plain
from minerisk.models.plain_values import read_record
from minerisk.models.risk_model import RiskModel
from minerisk.pipelines.audit.decide import Decision, review_run
from minerisk.pipelines.audit.transfer import export_run
from minerisk.pipelines.audit.unpack import unpack
from minerisk.pipelines.audit.verify import audit_run
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.provenance.files import replacing, sha256_path, write_whole
from minerisk.pipelines.provenance.manifest import locked
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.review import State
from minerisk.pipelines.run.derived import derive_config
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.tracking.store_place import settle_store, store_elsewhere, tracking_uri


@pytest.mark.parametrize(
    "name", [".lock", "reviews.jsonl", ".config.yaml.partial.yaml", "rasters", "feedback", "mlflow"]
)
def test_a_link_in_a_run_folder_is_named_and_never_followed(
    tiny_copy: Path, tmp_path: Path, name: str
) -> None:
    kept = tmp_path / "kept"
    if name in {"rasters", "feedback", "mlflow"}:
        kept.mkdir()
        (kept / "mine").write_text("mine")
        place = tiny_copy / name
        if place.exists():
            place.rename(tiny_copy.with_name(f"{tiny_copy.name}-moved"))
    else:
        kept.write_text("mine")
        (tiny_copy / name).unlink(missing_ok=True)
    (tiny_copy / name).symlink_to(kept)
    found = audit_run(RunFolder(tiny_copy), layers=False)
    assert any(ENGLISH.say(each).startswith(f"{name} is a link") for each in found.problems)
    assert found.standing.state is State.UNVERIFIED
    with pytest.raises(FindingError, match="is a link"):
        Run.open(tiny_copy)
    with pytest.raises(FindingError, match="is a link"), locked(tiny_copy):
        pass
    words = (kept / "mine" if kept.is_dir() else kept).read_text()
    assert words == "mine"


def test_the_folder_itself_may_be_a_link(tiny_run: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tiny_run)
    assert Run.open(tmp_path / "link").manifest().head == Run.open(tiny_run).manifest().head


def test_what_is_written_takes_the_place_of_a_link_or_a_second_name(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("mine")
    (tmp_path / "link").symlink_to(other)
    os.link(other, tmp_path / "hard")
    (tmp_path / ".made.partial").symlink_to(other)
    for name in ("link", "hard", "made"):
        write_whole(tmp_path / name, "ours")
        assert (tmp_path / name).read_text() == "ours"
        assert not (tmp_path / name).is_symlink()
    assert other.read_text() == "mine"


def test_a_partial_file_that_becomes_a_link_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("mine")
    with pytest.raises(OSError, match="symbolic"), replacing(tmp_path / "made") as partial:
        partial.symlink_to(tmp_path / "other")
    assert not (tmp_path / "made").exists()


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with locked(tmp_path / "run"):
            write_whole(tmp_path / "run" / "deep" / "a", "x")
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "run").rglob("*")}
    assert set(modes.values()) == {0o700, 0o600}
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o700


def test_every_file_of_a_run_is_for_its_owner_alone(tiny_run: Path, tmp_path: Path) -> None:
    export_run(Run.open(tiny_run), tmp_path / "a.zip")
    for path in (*tiny_run.rglob("*"), tmp_path / "a.zip"):
        assert not path.stat().st_mode & 0o077, path


def entry(
    name: str, *, second: str | None = None, of: str | None = None, mode: int = 0
) -> zipfile.ZipInfo:
    """Make an entry; its second name counts for newer Pythons where it has the sum of the first."""
    made = zipfile.ZipInfo(name)
    made.external_attr = mode << 16
    if second is not None:
        checksum = zlib.crc32((of or name).encode())
        field = b"\x01" + struct.pack("<I", checksum) + second.encode()
        made.extra = struct.pack("<HH", 0x7075, len(field)) + field
    return made


@pytest.mark.parametrize(
    "entries",
    [
        [entry("metrics.json", second="../outside")],
        [entry("metrics.json", second="metrics.json")],
        [entry("metrics.json", second="../outside", of="other")],
        [entry("metrics.json", second="model/../../outside")],
        [entry("metrics.json", second="/outside")],
        [entry("metrics.json", second="")],
        [entry("model/a.json"), entry("model/A.JSON")],
        [entry("model/\ufb01.json"), entry("model/fi.json")],
        [entry("model"), entry("model/model.json")],
        [entry("model/model.json", mode=stat.S_IFLNK | 0o777)],
        [entry("model/aux.json")],
        [entry("model/model.json ")],
        [entry("model\\..\\..\\x")],
        [entry("../x")],
        [entry("other/x")],
    ],
)
def test_a_packed_file_is_judged_by_the_name_it_is_written_to(
    tmp_path: Path, entries: list[zipfile.ZipInfo]
) -> None:
    path, into = tmp_path / "a.zip", tmp_path / "into"
    with zipfile.ZipFile(path, "w") as archive:
        for each in entries:
            archive.writestr(each, b"{}")
    with pytest.raises(InputError, match="of it was unpacked"):
        unpack(path, into)
    assert not into.exists()
    assert [item.name for item in tmp_path.iterdir()] == ["a.zip"]


def test_a_packed_file_that_grows_too_much_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metrics.json", bytes(30_000_000))
    with pytest.raises(InputError, match="more than 200 times its size"):
        unpack(tmp_path / "a.zip", tmp_path / "into")


def test_a_packed_file_changed_anywhere_is_unpacked_or_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metrics.json", b'{"a": 1}' * 20)
        archive.writestr("model/model.json", b"{}")
    content, rng = path.read_bytes(), np.random.default_rng(1)
    for number in range(400):
        changed = bytearray(content)
        changed[rng.integers(len(changed))] = rng.integers(256)
        path.write_bytes(bytes(changed))
        try:
            unpack(path, tmp_path / f"into-{number}")
        except InputError:
            continue
        names = {item.name for item in tmp_path.iterdir()}
        assert names <= {"a.zip", *(f"into-{before}" for before in range(number + 1))}


def test_a_store_whose_metadata_names_code_to_run_is_not_opened(tiny_copy: Path) -> None:
    older = {"shape": [1], "chunks": [1], "dtype": "<f4", "filters": [{"id": "pickle"}]}
    for store in ("cube.zarr", "labels.zarr"):
        (tiny_copy / store / "x").mkdir(exist_ok=True)
        (tiny_copy / store / "x" / ".zarray").write_text(json.dumps(older))
        (tiny_copy / store / "x" / "zarr.json").unlink(missing_ok=True)
        with pytest.raises(InputError, match="codec 'pickle'"):
            open_store(tiny_copy / store)
    with pytest.raises(InputError, match="codec 'pickle'"):
        open_cube(tiny_copy / "cube.zarr")
    with pytest.raises(InputError, match="codec 'pickle'"):
        Run.open(tiny_copy).labels()


def test_no_address_in_a_run_folder_is_called(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    run = Run.open(tiny_run)
    tracking = run.config.tracking.model_copy(update={"uri": "http://192.0.2.1:5000"})
    received = replace(run, config=run.config.model_copy(update={"tracking": tracking}))
    assert tracking_uri(received).startswith("sqlite:")
    assert store_elsewhere(received) == "http://192.0.2.1:5000"
    assert tracking_uri(replace(received, given=True)) == "http://192.0.2.1:5000"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert tracking_uri(received) == "http://127.0.0.1:1"


def test_a_review_is_kept_where_the_folder_names_a_server_that_nobody_here_gave(
    tiny_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    run = Run.open(tiny_copy)
    tracking = run.config.tracking.model_copy(update={"uri": "http://192.0.2.1:5000"})
    received = replace(run, config=run.config.model_copy(update={"tracking": tracking}))
    with pytest.raises(FindingError, match=r"on record.*No address from a run folder is called"):
        review_run(received, Decision("reject", by="reviewer 7", note="no"))
    assert len(received.reviews().entries) == 1


def test_a_run_made_from_another_leaves_the_address_of_a_server_out(
    tiny_copy: Path, tmp_path: Path
) -> None:
    with (tiny_copy / "config.yaml").open("a") as stream:
        stream.write('\ntracking:\n  uri: "http://192.0.2.1:5000"\n')
    run = Run.open(tiny_copy)
    made = derive_config(run, tmp_path / "c.yaml", lambda _: None, words="the same")
    assert "192.0.2.1" not in made.read_text()


def test_a_store_that_was_moved_logs_beside_itself(tiny_copy: Path) -> None:
    store = tiny_copy / "mlflow.db"
    os.link(store, tiny_copy.with_name(f"{tiny_copy.name}.db"))
    before = sha256_path(tiny_copy.with_name(f"{tiny_copy.name}.db"))
    with sqlite3.connect(store) as database:
        database.execute("UPDATE experiments SET artifact_location = 'file:///elsewhere'")
    settle_store(store)
    with sqlite3.connect(store) as database:
        (place,) = database.execute("SELECT DISTINCT artifact_location FROM experiments").fetchone()
    assert place == (tiny_copy / "mlflow").as_uri()
    assert store.stat().st_nlink == 1
    assert before  # the other name is a file of its own since


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 1_000_000,
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": ' + b"9" * 4_400 + b"}",
    ],
)
def test_json_that_no_writer_of_ours_makes_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"number that is none|nested"):
        check_json(content)
    with pytest.raises(InputError):
        read_record(content, "model.json")


def test_words_in_json_are_no_numbers_and_no_brackets() -> None:
    check_json(json.dumps({"a": "NaN [[[" * 100 + '"', "b": [1e308, "\\"]}).encode())


def test_a_file_is_read_up_to_a_limit(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(11))
    with pytest.raises(InputError, match="larger than 10 bytes"):
        read_plain(tmp_path / "a", most=10)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a")
    with pytest.raises(FindingError, match="is no file"):
        read_plain(tmp_path / "a")


def deep(_: bytes) -> bytes:
    return b'{"format": ' + b"[" * 100_000


def huge(content: bytes) -> bytes:
    return content.replace(b'"slope"', b'"slope": 1e308, "x"')


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("model.json", deep),
        ("members.json", deep),
        ("members.json", huge),
        ("model.json", lambda _: b'{"format": 5, "applicability": 5}'),
        ("model.json", lambda _: b'{"format": 5}'),
        ("model.json", lambda _: b"[]"),
        ("applicability_limits.parquet", lambda content: content[:40]),
        ("findings.parquet", lambda _: b"PAR1"),
    ],
)
def test_a_model_that_does_not_hold_together_is_refused_in_words(
    tiny_run: Path, name: str, change: Callable[[bytes], bytes]
) -> None:
    files = {item.name: item.read_bytes() for item in (tiny_run / "model").iterdir()}
    RiskModel.from_files(files)
    with pytest.raises(MineriskError):
        RiskModel.from_files(files | {name: change(files[name])})
