"""How a run stands is computed from what verifies, and whoever states it computes it so."""

import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from minerisk.features.errors import FindingError, InputError
from minerisk.pipelines.audit.decide import Decision, review_run
from minerisk.pipelines.audit.verify import audit_run
from minerisk.pipelines.cli.main import app
from minerisk.pipelines.feedback.feedback import retrain
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.provenance.files import sha256_path
from minerisk.pipelines.provenance.manifest import (
    do_stage,
    read_manifest,
    record_maker,
    write_manifest,
)
from minerisk.pipelines.provenance.reviews import read_reviews
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.manifest import NoFacts
from minerisk.pipelines.records.request import Filters
from minerisk.pipelines.records.review import FourEyes, State, TrailCode
from minerisk.pipelines.report.model_card import ModelCard
from minerisk.pipelines.request.opening import open_request
from minerisk.pipelines.request.pack import make_packs
from minerisk.pipelines.run.folder import Run

APPROVE = Decision("approve", by="reviewer 7", note="looked at")
MAKER, REVIEWER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


def saved(key: Ed25519PrivateKey, path: Path) -> Path:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


@pytest.fixture(scope="module")
def approved(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run signed by whoever made it, and approved with the key of somebody else."""
    folder = tiny_run.parent / "approved"
    shutil.copytree(tiny_run, folder)
    record_maker(RunFolder(folder), "staff 12", signer=MAKER)
    key = saved(REVIEWER, tmp_path_factory.mktemp("keys") / "reviewer.pem")
    review_run(Run.open(folder), APPROVE, key=key)
    return folder


@pytest.fixture
def spoilt(approved: Path, tmp_path: Path) -> Path:
    folder = approved.parent / f"spoilt-{tmp_path.name}"
    shutil.copytree(approved, folder)
    return folder


def standing(folder: Path) -> State:
    return audit_run(RunFolder(folder)).standing.state


def forge(folder: Path, name: str) -> None:
    """Put the hash of a file that was replaced into the manifest, wherever the old one stands."""
    path = folder / "manifest.json"
    text, old = path.read_text("utf-8"), read_manifest(RunFolder(folder)).outputs[name]
    path.write_text(text.replace(old, sha256_path(folder / name)), "utf-8")


def test_an_approved_run_says_by_what_two_people_are_told_apart(approved: Path) -> None:
    found = audit_run(RunFolder(approved))
    assert (found.problems, found.standing.state) == ((), State.APPROVED)
    assert found.standing.four_eyes is FourEyes.KEYS
    assert "signed with different keys" in ModelCard.of(Run.open(approved)).text()


def test_a_replaced_raster_with_its_hash_forged_is_handed_out_by_nobody(
    spoilt: Path, tmp_path: Path
) -> None:
    rasters = spoilt / "rasters"
    shutil.copyfile(rasters / "probability_lower.tif", rasters / "probability.tif")
    forge(spoilt, "rasters/probability.tif")
    assert standing(spoilt) is State.UNVERIFIED
    assert Run.open(spoilt).standing(()).state is State.UNVERIFIED
    assert ModelCard.of(Run.open(spoilt)).record.reviews.state is State.UNVERIFIED
    with pytest.raises(FindingError, match=r"does not verify: .*Nothing is handed out"):
        make_packs(open_request(spoilt, Filters()), tmp_path / "pack")
    with pytest.raises(FindingError, match="does not verify"):
        retrain(Run.open(spoilt), tmp_path / "again", said=print)
    for line in (["audit", "verify"], ["review", "show"]):
        done = CliRunner().invoke(app, [*line, str(spoilt)])
        assert (done.exit_code, "State: it does not verify" in done.stdout) == (1, True)
    assert not (tmp_path / "pack").exists()


@pytest.mark.parametrize("name", ["cube.zarr/inside/zarr.json", "held_out.parquet", "tasks.gpkg"])
def test_a_request_refuses_what_it_would_read(spoilt: Path, name: str) -> None:
    with (spoilt / name).open("ab") as stream:
        stream.write(b" ")
    with pytest.raises(FindingError, match="does not verify"):
        open_request(spoilt, Filters())


def test_a_chunk_taken_away_or_put_in_is_refused_where_it_is_read(spoilt: Path) -> None:
    """An absent chunk is read as missing values, without a word."""
    chunk = next((spoilt / "cube.zarr" / "elevation_m" / "c").rglob("0"))
    chunk = chunk if chunk.is_file() else next(x for x in chunk.rglob("*") if x.is_file())
    content = chunk.read_bytes()
    chunk.unlink()
    with pytest.raises(FindingError, match=r"cube\.zarr/elevation_m.*is missing"):
        open_request(spoilt, Filters())
    chunk.write_bytes(content[:-1])
    with pytest.raises(FindingError, match="has other bytes"):
        open_request(spoilt, Filters())


def test_a_manifest_cut_off_is_a_finding_and_no_wrong_use(spoilt: Path) -> None:
    path = spoilt / "manifest.json"
    path.write_bytes(path.read_bytes()[:4_000])
    done = CliRunner().invoke(app, ["audit", "verify", str(spoilt)])
    assert done.exit_code == 1
    assert "manifest.json is cut off or was changed" in done.stdout
    assert standing(spoilt) is State.UNVERIFIED


def test_layers_that_are_elsewhere_are_one_note(spoilt: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved" / "deep" / "run"
    shutil.copytree(spoilt, moved)
    found = audit_run(RunFolder(moved))
    assert (found.problems, found.standing.state) == ((), State.APPROVED)
    codes = [note.code for note in found.notes]
    assert codes.count(TrailCode.NOTE_LAYERS_ABSENT) == 1
    with pytest.raises(InputError, match=r"not at hand.*--without-layers"):
        review_run(Run.open(moved), APPROVE, key=saved(REVIEWER, tmp_path / "k.pem"))


def test_what_was_withdrawn_stays_so_whatever_is_done_to_the_rest(spoilt: Path) -> None:
    review_run(Run.open(spoilt), Decision("withdraw", by="reviewer 9", note="an accident"))
    manifest = read_manifest(RunFolder(spoilt))
    fewer = manifest.model_copy(update={"stages": manifest.stages[:-1]})
    write_manifest(RunFolder(spoilt), fewer, signer=MAKER)
    assert Run.open(spoilt).standing(()).state is State.WITHDRAWN
    with pytest.raises(FindingError, match="was withdrawn"):
        open_request(spoilt, Filters())


def test_the_key_that_made_a_run_cannot_approve_it_under_any_name(
    spoilt: Path, tmp_path: Path
) -> None:
    (spoilt / "reviews.jsonl").unlink()
    run = Run.open(spoilt)
    with pytest.raises(FindingError, match="made this run and cannot approve it, whatever name"):
        review_run(run, APPROVE, key=saved(MAKER, tmp_path / "maker.pem"))
    with pytest.raises(FindingError, match="approved with the key of somebody"):
        review_run(run, APPROVE)
    assert not (spoilt / "reviews.jsonl").exists()


def test_an_approval_with_the_makers_key_counts_for_nothing_even_if_it_is_chained(
    approved: Path,
) -> None:
    """As if the reviewer had made the run: the log and its signature hold, the keys do not."""
    files = RunFolder(approved)
    manifest, log = read_manifest(files), Run.open(approved).reviews()
    key = log.entries[0].key
    assert key is not None
    by_same = read_reviews(files, manifest.model_copy(update={"maker_keys": (key,)}))
    assert TrailCode.REVIEW_BY_MAKER_KEY in {each.code for each in by_same.problems}


def test_a_makers_signature_cannot_be_taken_away_or_replaced(spoilt: Path) -> None:
    files = RunFolder(spoilt)
    manifest = read_manifest(files)
    for update in (
        {"signed": None},
        {"maker_keys": (), "signed": None},
        {"signed": manifest.signed and manifest.signed.model_copy(update={"signature": "AAAA"})},
    ):
        changed = manifest.model_copy(update=update)
        files.manifest.write_text(changed.to_json(), encoding="utf-8")
        assert standing(spoilt) is State.UNVERIFIED
    write_manifest(files, manifest, signer=REVIEWER)  # whole, by somebody who did not make it
    assert standing(spoilt) is State.UNVERIFIED


def test_a_signed_trail_is_gone_on_with_by_key_alone(spoilt: Path) -> None:
    def work() -> tuple[list[Path], NoFacts]:
        raise AssertionError

    with pytest.raises(InputError, match="signed by whoever made it"):
        do_stage(RunFolder(spoilt), "more", inputs={}, settings={}, work=work)


def test_nothing_is_made_of_an_output_that_was_changed(spoilt: Path) -> None:
    digest = read_manifest(RunFolder(spoilt)).outputs["metrics.json"]
    with (spoilt / "metrics.json").open("ab") as stream:
        stream.write(b" ")

    def work() -> tuple[list[Path], NoFacts]:
        raise AssertionError

    with pytest.raises(FindingError, match="nothing is made of it"):
        do_stage(
            RunFolder(spoilt), "report", inputs={"metrics.json": digest}, settings={}, work=work,
            signer=MAKER,
        )  # fmt: skip


def test_without_a_makers_key_the_approval_says_that_it_rests_on_names(
    tiny_copy: Path, tmp_path: Path
) -> None:
    record_maker(RunFolder(tiny_copy), "staff 12")
    made = review_run(Run.open(tiny_copy), APPROVE, key=saved(REVIEWER, tmp_path / "key.pem"))
    assert made.four_eyes is FourEyes.NAMES
    notes = [ENGLISH.say(note) for note in audit_run(RunFolder(tiny_copy)).notes]
    assert any("rests on names alone" in note for note in notes)
    make_packs(open_request(tiny_copy, Filters()), tmp_path / "pack")
    for name in ("README.txt", "MODEL_CARD.md"):
        words = " ".join((tmp_path / "pack" / name).read_text("utf-8").split())
        assert "told apart by the names they gave" in words, name
