"""A run's record carried to another store: what arrives, and what is refused."""

import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from minerisk.features.errors import FindingError, InputError
from minerisk.pipelines.audit.decide import Decision, review_run
from minerisk.pipelines.audit.transfer import export_run, import_run
from minerisk.pipelines.audit.unpack import unpack
from minerisk.pipelines.provenance.manifest import read_manifest, write_manifest
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.provenance.signatures import public_text, read_key
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.tracking.mlflow_record import QUIET


def client(uri: str):
    os.environ.update(QUIET)
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


@pytest.fixture(scope="module")
def packed(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("packed") / "run.zip"
    export_run(Run.open(tiny_run), path)
    return path


@pytest.fixture
def store(tmp_path: Path) -> str:
    (tmp_path / "store").mkdir()
    return f"sqlite:///{tmp_path / 'store' / 'mlflow.db'}"


def repacked(path: Path, out: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """Write the archive again, each file as `change` gives it; None leaves it out."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            content = change(entry.filename, old.read(entry))
            if content is not None:
                new.writestr(entry.filename, content)
    return out


def test_the_same_run_gives_the_same_bytes(tiny_run: Path, packed: Path, tmp_path: Path) -> None:
    again = export_run(Run.open(tiny_run), tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == packed.read_bytes()
    assert again.head == read_manifest(RunFolder(tiny_run)).head


def test_no_layer_cube_or_raster_leaves_the_folder(packed: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert tops == {
        "manifest.json", "config.yaml", "metrics.json", "trials.json", "held_out.parquet",
        "model", "figures", "trail",
    }  # fmt: skip


def test_another_store_gets_the_same_model_and_scores_once(
    tiny_run: Path, packed: Path, store: str, tmp_path: Path
) -> None:
    made = import_run(packed, store)
    run = client(store).get_run(made.run_id)
    metrics = json.loads((tiny_run / "metrics.json").read_text(encoding="utf-8"))
    expected = metrics["protocols"]["far"]["models"]["distance_rule"]["roc_auc"][0]
    assert run.data.metrics["far rules/distance_rule.roc_auc"] == pytest.approx(expected)
    assert run.data.tags["minerisk.head"] == read_manifest(RunFolder(tiny_run)).head
    model = tmp_path / "store" / "mlflow" / made.run_id / "artifacts" / "model" / "data" / "model"
    for path in (tiny_run / "model").iterdir():
        assert (model / path.name).read_bytes() == path.read_bytes()
    with pytest.raises(InputError, match="already"):
        import_run(packed, store)


def test_a_review_counts_only_by_a_trusted_key(tiny_copy: Path, store: str, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key.write_bytes(Ed25519PrivateKey.generate().private_bytes(*form))
    review_run(Run.open(tiny_copy), Decision("reject", by="reviewer 7", note="a park"), key=key)
    export_run(Run.open(tiny_copy), tmp_path / "run.zip")
    (tmp_path / "others.txt").write_text(f"{public_text(Ed25519PrivateKey.generate())} nobody\n")
    with pytest.raises(FindingError, match="do not trust"):
        import_run(tmp_path / "run.zip", store, trust=tmp_path / "others.txt")
    (tmp_path / "trusted.txt").write_text(f"{public_text(read_key(key))} reviewer 7\n")
    made = import_run(tmp_path / "run.zip", store, trust=tmp_path / "trusted.txt")
    assert made.state == "rejected"
    other = store.replace("mlflow.db", "other.db")
    assert import_run(tmp_path / "run.zip", other).state == "draft"


def test_a_pin_that_does_not_fit_stops_the_import(packed: Path, store: str) -> None:
    with pytest.raises(FindingError, match="rewritten"):
        import_run(packed, store, pin="0" * 64)


@pytest.mark.parametrize("name", ["metrics.json", "figures/regions.png", "trail/model.sha256"])
def test_a_changed_or_missing_file_stops_the_import(
    packed: Path, store: str, tmp_path: Path, name: str
) -> None:
    changed = repacked(
        packed, tmp_path / "a.zip", lambda own, old: old + b" " if own == name else old
    )
    missing = repacked(packed, tmp_path / "b.zip", lambda own, old: None if own == name else old)
    for path in (changed, missing):
        with pytest.raises(FindingError, match=r"not|missing"):
            import_run(path, store)
    assert not Path(store.removeprefix("sqlite:///")).exists()


def test_a_changed_run_is_not_exported(tiny_copy: Path, tmp_path: Path) -> None:
    (tiny_copy / "metrics.json").write_bytes(b"{}")
    with pytest.raises(FindingError, match=r"metrics\.json"):
        export_run(Run.open(tiny_copy), tmp_path / "run.zip")
    assert list(tmp_path.iterdir()) == []


def test_an_untrained_run_is_not_exported(tiny_copy: Path, tmp_path: Path) -> None:
    manifest = read_manifest(RunFolder(tiny_copy))
    stages = tuple(stage for stage in manifest.stages if stage.name != "train")
    write_manifest(RunFolder(tiny_copy), manifest.model_copy(update={"stages": stages}))
    with pytest.raises(InputError, match="no finished stage `train`"):
        export_run(Run.open(tiny_copy), tmp_path / "run.zip")


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../outside",
        "model/../../outside",
        "model\\..\\outside",
        "C:model",
        "model//a",
        "./model",
        "model/",
        "model/a\nb",
        "strange.txt",
        "mlflow.db",
    ],
)
def test_a_name_that_is_not_of_a_record_is_refused_before_anything_is_written(
    tmp_path: Path, name: str
) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("metrics.json", "{}")
        archive.writestr(name, "x")
    (tmp_path / "in").mkdir()
    with pytest.raises(InputError, match="Nothing of it was unpacked"):
        unpack(tmp_path / "a.zip", tmp_path / "in")
    assert list((tmp_path / "in").iterdir()) == []


def test_a_link_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        entry = zipfile.ZipInfo("model")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc")
    with pytest.raises(InputError, match="link"):
        unpack(tmp_path / "a.zip", tmp_path)


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("model/a", "x")
        archive.writestr("model/A", "y")
    with pytest.raises(InputError, match="twice"):
        unpack(tmp_path / "a.zip", tmp_path)


def test_more_than_fits_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metrics.json", b"\0" * 100_000)
    monkeypatch.setattr("minerisk.pipelines.audit.unpack.MAX_BYTES", 99_999)
    with pytest.raises(InputError, match="not unpacked"):
        unpack(tmp_path / "a.zip", tmp_path)


def test_a_file_longer_than_it_says_is_not_written_out(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metrics.json", b"\0" * 5_000_000)
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = (10).to_bytes(4, "little")
    path.write_bytes(content)
    (tmp_path / "in").mkdir()
    with pytest.raises(InputError, match="not a whole ZIP"):
        unpack(path, tmp_path / "in")
    assert all(item.stat().st_size <= 10 for item in (tmp_path / "in").iterdir())


@pytest.mark.parametrize("share", [0.0, 0.5, 0.98])
def test_half_a_file_is_refused(packed: Path, store: str, tmp_path: Path, share: float) -> None:
    content = packed.read_bytes()
    (tmp_path / "half.zip").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match="not a whole ZIP"):
        import_run(tmp_path / "half.zip", store)


def test_a_path_in_any_script_arrives(tiny_run: Path, store: str, tmp_path: Path) -> None:
    folder = tmp_path / "дослідження 区域"
    shutil.copytree(tiny_run, folder)
    export_run(Run.open(folder), tmp_path / "ланцюг.zip")
    assert import_run(tmp_path / "ланцюг.zip", store).model_version == "1"
