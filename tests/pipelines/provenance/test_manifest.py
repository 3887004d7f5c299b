import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from minerisk.features.errors import FindingError, InputError
from minerisk.pipelines.provenance.environment import environment
from minerisk.pipelines.provenance.files import (
    canonical,
    sha256_path,
    sha256_text,
    write_json,
    write_whole,
)
from minerisk.pipelines.provenance.manifest import (
    do_stage,
    header_sha256,
    locked,
    outputs_of,
    read_manifest,
    record_maker,
    stage_sha256,
    write_manifest,
)
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.manifest import Environment, Manifest, NoFacts
from minerisk.pipelines.records.record import Record


class Said(Record):
    said: str


def start(folder: Path) -> None:
    first = Manifest.of(study_area="x", title="X", simulated=False, config_file="x.yaml")
    write_manifest(RunFolder(folder), first)


def manifest_of(folder: Path) -> Manifest:
    return read_manifest(RunFolder(folder))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    start(tmp_path)
    return tmp_path


def make(folder: Path, name: str = "one", text: str = "a", **known: str) -> bool:
    def work():
        return [write_whole(folder / f"{name}.txt", text)], Said(said=text)

    return do_stage(RunFolder(folder), name, inputs=known, settings={"text": text}, work=work)


def test_a_hash_is_sha256_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_path(tmp_path / "file") == expected


def test_a_folder_changes_with_a_name_a_byte_or_a_place(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "a").write_bytes(b"1")
    line = f"{hashlib.sha256(b'1').hexdigest()}  a\n"  # as sha256sum writes it
    first = sha256_path(tmp_path / "f")
    assert first == hashlib.sha256(line.encode()).hexdigest()
    (tmp_path / "f" / "a").rename(tmp_path / "f" / "b")
    second = sha256_path(tmp_path / "f")
    (tmp_path / "f" / "b").write_bytes(b"2")
    third = sha256_path(tmp_path / "f")
    (tmp_path / "f" / "g").mkdir()
    (tmp_path / "f" / "b").rename(tmp_path / "f" / "g" / "b")
    assert len({first, second, third, sha256_path(tmp_path / "f")}) == 4


def test_canonical_json_depends_on_the_value_alone() -> None:
    assert canonical({"b": 1, "a": [1.5, None]}) == canonical({"a": [1.5, None], "b": 1})
    assert canonical({"b": 1, "a": [1.5, None]}) == '{"a":[1.5,null],"b":1}'


def test_a_stage_is_done_once(folder: Path) -> None:
    assert make(folder)
    assert not make(folder)
    assert manifest_of(folder).facts("one", Said) == Said(said="a")


def test_a_stage_is_done_again_when_what_matters_changed(folder: Path) -> None:
    make(folder, before="0" * 64)
    assert make(folder, before="1" * 64)
    assert make(folder, text="b", before="1" * 64)
    (folder / "one.txt").write_text("b ", encoding="utf-8")
    assert make(folder, text="b", before="1" * 64)
    (folder / "one.txt").unlink()
    assert make(folder, text="b", before="1" * 64)
    assert not make(folder, text="b", before="1" * 64)


def test_a_stage_done_again_keeps_its_place(folder: Path) -> None:
    for name in ("one", "two", "three"):
        make(folder, name)
    (folder / "two.txt").unlink()
    make(folder, "two")
    stages = manifest_of(folder).stages
    assert [stage.name for stage in stages] == ["one", "two", "three"]


def test_a_stage_that_fails_is_not_on_record_and_spoils_no_other(folder: Path) -> None:
    make(folder)
    before = (folder / "manifest.json").read_bytes()

    def fails():
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        do_stage(RunFolder(folder), "two", inputs={}, settings={}, work=fails)
    assert (folder / "manifest.json").read_bytes() == before
    with pytest.raises(InputError, match="no finished stage `two`"):
        outputs_of(manifest_of(folder), "two")


def test_outputs_carry_their_hashes(folder: Path) -> None:
    make(folder)
    assert outputs_of(manifest_of(folder), "one") == {"one.txt": sha256_path(folder / "one.txt")}


def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_whole(tmp_path / "file", "before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("minerisk.pipelines.provenance.files.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, "after")
    assert path.read_text(encoding="utf-8") == "before"
    assert [item.name for item in tmp_path.iterdir()] == ["file"]


def test_json_with_nan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "x.json", {"value": float("nan")})
    assert not list(tmp_path.iterdir())


def test_the_environment_is_on_record() -> None:
    known = environment()
    assert known.lock_sha256 is not None
    assert len(known.lock_sha256) == len(known.code_sha256) == 64
    assert {"lightgbm", "numpy", "mlflow"} <= set(known.packages)
    assert Environment.model_validate_json(known.model_dump_json()) == known


def test_a_lock_is_given_back(tmp_path: Path) -> None:
    with locked(tmp_path / "run"):
        pass
    with locked(tmp_path / "run"), pytest.raises(InputError), locked(tmp_path / "run"):
        pass


def test_what_a_killed_process_left_half_written_is_removed_by_the_next(tmp_path: Path) -> None:
    for name in (".tasks.json.partial.json", ".a.gpkg.partial.gpkg-journal", "a.partial", ".b"):
        (tmp_path / name).write_text("half")
    (tmp_path / ".labels.zarr.partial").mkdir()
    with locked(tmp_path):
        left = {path.name for path in tmp_path.iterdir()}
    assert left == {"a.partial", ".b", ".labels.zarr.partial", ".lock"}


@pytest.mark.parametrize(
    "stages", [None, "x", [None], [1], [{"name": "one"}], [{"name": 1}], [{"inputs": {}}]]
)
def test_stages_that_are_none_are_named(folder: Path, stages: object) -> None:
    content = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    write_json(folder / "manifest.json", content | {"stages": stages})
    with pytest.raises(FindingError, match="not as minerisk writes it: stages"):
        manifest_of(folder)


def test_a_manifest_of_the_format_before_names_the_program_that_reads_it(folder: Path) -> None:
    write_json(folder / "manifest.json", {"format": 1, "study_area": "x", "stages": []})
    with pytest.raises(InputError, match=r"format 1, which minerisk 0\.1 wrote.*verified by"):
        manifest_of(folder)


def test_a_manifest_of_a_later_version_is_refused_by_name(folder: Path) -> None:
    content = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    write_json(folder / "manifest.json", content | {"schema_version": 9})
    with pytest.raises(InputError, match="schema version 9; this minerisk reads version 3"):
        manifest_of(folder)


def test_a_number_written_as_a_word_is_no_number(folder: Path) -> None:
    """Else a trail could be edited without its hashes showing it."""
    make(folder, "one")
    content = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    content["stages"][0]["seconds"] = str(content["stages"][0]["seconds"])
    write_json(folder / "manifest.json", content)
    with pytest.raises(FindingError, match="seconds"):
        manifest_of(folder)


def test_facts_that_are_not_those_of_the_stage_are_named(folder: Path) -> None:
    make(folder, "one")

    class Other(Record):
        cells: int

    with pytest.raises(InputError, match="facts of stage one"):
        manifest_of(folder).facts("one", Other)


def test_each_entry_holds_the_hash_of_the_one_before(folder: Path) -> None:
    make(folder, "one")
    make(folder, "two", text="b")
    manifest = manifest_of(folder)
    one, two = manifest.stages
    assert one.before == header_sha256(manifest)
    assert two.before == stage_sha256(one)
    assert manifest.head == stage_sha256(two)


def test_an_entry_is_hashed_as_its_json_in_the_file(folder: Path) -> None:
    make(folder, "one")
    content = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert content["head"] == sha256_text(canonical(content["stages"][0]))
    (used,) = content["environments"].items()
    assert used[0] == sha256_text(canonical(used[1]))


def test_the_head_tells_every_change_but_where_the_configuration_lies(folder: Path) -> None:
    make(folder, "one")
    manifest = manifest_of(folder)

    def head(**change: object) -> str:
        return write_manifest(RunFolder(folder), manifest.model_copy(update=change)).head

    slower = manifest.stages[0].model_copy(update={"seconds": 9.9})
    heads = {
        head(),
        head(simulated=True),
        head(trained_by=("staff 3",)),
        head(stages=()),
        head(stages=(slower,)),
    }
    assert len(heads) == 5
    assert head(config_file="../x") == manifest.head


def test_what_is_made_again_the_same_leaves_the_trail_as_it_is(folder: Path) -> None:
    make(folder, "one")
    before = (folder / "manifest.json").read_bytes()
    (folder / "one.txt").unlink()
    assert make(folder, "one")
    assert (folder / "manifest.json").read_bytes() == before


def test_a_folder_is_listed_as_sha256sum_checks_it(folder: Path) -> None:
    def work():
        write_whole(folder / "made" / "б 1.txt", "a")
        return [folder / "made"], NoFacts()

    do_stage(RunFolder(folder), "one", inputs={}, settings={}, work=work)
    listed = folder / "trail" / "made.sha256"
    assert manifest_of(folder).stages[0].outputs["made"] == sha256_path(listed)
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", str(listed)], cwd=folder / "made", check=False
    )
    assert done.returncode == 0


def test_names_are_kept_as_given_and_once(folder: Path) -> None:
    for name in ("staff 3", " staff 3 ", "", "Арам"):
        record_maker(RunFolder(folder), name)
    assert manifest_of(folder).trained_by == ("staff 3", "Арам")
