import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from minerisk.features.errors import InputError
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
    record_trainer,
    stage_named,
    write_manifest,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_json(tmp_path / "manifest.json", {"format": 1, "study_area": "x", "stages": []})
    return tmp_path


def make(folder: Path, name: str = "one", text: str = "a", **known: str) -> bool:
    def work():
        return [write_whole(folder / f"{name}.txt", text)], {"said": text}

    return do_stage(folder, name, inputs=known, settings={"text": text}, work=work)


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
    assert stage_named(read_manifest(folder), "one")["facts"] == {"said": "a"}


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
    stages = read_manifest(folder)["stages"]
    assert [stage["name"] for stage in stages] == ["one", "two", "three"]


def test_a_stage_that_fails_is_not_on_record_and_spoils_no_other(folder: Path) -> None:
    make(folder)
    before = (folder / "manifest.json").read_bytes()

    def fails():
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        do_stage(folder, "two", inputs={}, settings={}, work=fails)
    assert (folder / "manifest.json").read_bytes() == before
    with pytest.raises(InputError, match="no finished stage `two`"):
        outputs_of(folder, "two")


def test_outputs_carry_their_hashes(folder: Path) -> None:
    make(folder)
    assert outputs_of(folder, "one") == {"one.txt": sha256_path(folder / "one.txt")}


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
    assert len(known["lock_sha256"]) == len(known["code_sha256"]) == 64
    assert {"lightgbm", "numpy", "mlflow"} <= set(known["packages"])
    assert json.loads(json.dumps(known)) == known


def test_a_lock_is_given_back(tmp_path: Path) -> None:
    with locked(tmp_path / "run"):
        pass
    with locked(tmp_path / "run"), pytest.raises(InputError), locked(tmp_path / "run"):
        pass


@pytest.mark.parametrize("stages", [None, [1], [{"name": "one"}], [{"inputs": {}, "outputs": {}}]])
def test_stages_that_are_none_are_named(tmp_path: Path, stages: object) -> None:
    write_json(tmp_path / "manifest.json", {"format": 1, "stages": stages})
    with pytest.raises(InputError, match="lists no stages"):
        read_manifest(tmp_path)


def test_each_entry_holds_the_hash_of_the_one_before(folder: Path) -> None:
    make(folder, "one")
    make(folder, "two", text="b")
    manifest = read_manifest(folder)
    one, two = manifest["stages"]
    assert one["before"] == header_sha256(manifest)
    assert two["before"] == sha256_text(canonical(one))
    assert manifest["head"] == sha256_text(canonical(two))


def test_the_head_tells_every_change_but_where_the_configuration_lies(folder: Path) -> None:
    make(folder, "one")
    manifest = read_manifest(folder)
    heads = {
        write_manifest(folder, manifest | change)["head"]
        for change in (
            {},
            {"simulated": True},
            {"trained_by": ["staff 3"]},
            {"stages": []},
            {"stages": [manifest["stages"][0] | {"seconds": 9.9}]},
        )
    }
    assert len(heads) == 5
    assert write_manifest(folder, manifest | {"config_file": "../x"})["head"] == manifest["head"]


def test_what_is_made_again_the_same_leaves_the_trail_as_it_is(folder: Path) -> None:
    make(folder, "one")
    before = (folder / "manifest.json").read_bytes()
    (folder / "one.txt").unlink()
    assert make(folder, "one")
    assert (folder / "manifest.json").read_bytes() == before


def test_a_folder_is_listed_as_sha256sum_checks_it(folder: Path) -> None:
    def work():
        write_whole(folder / "made" / "б 1.txt", "a")
        return [folder / "made"], {}

    do_stage(folder, "one", inputs={}, settings={}, work=work)
    listed = folder / "trail" / "made.sha256"
    assert read_manifest(folder)["stages"][0]["outputs"]["made"] == sha256_path(listed)
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", str(listed)], cwd=folder / "made", check=False
    )
    assert done.returncode == 0


def test_names_are_kept_as_given_and_once(folder: Path) -> None:
    for name in ("staff 3", " staff 3 ", "", "Арам"):
        record_trainer(folder, name)
    assert read_manifest(folder)["trained_by"] == ["staff 3", "Арам"]


@pytest.mark.parametrize("stages", [[{"name": "x"}], [{"name": 1}], "x", [None]])
def test_stages_that_are_none_are_refused(folder: Path, stages: object) -> None:
    write_json(folder / "manifest.json", {"format": 1, "stages": stages})
    with pytest.raises(InputError, match="lists no stages"):
        read_manifest(folder)
