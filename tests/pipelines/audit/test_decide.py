"""Reviews: chained, signed, of one trail, by somebody else than whoever made the run."""

import json
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from minerisk.features.errors import FindingError, InputError
from minerisk.pipelines.audit import decide
from minerisk.pipelines.audit.decide import Decision, follow, review_run
from minerisk.pipelines.audit.verify import audit_run
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.provenance.files import sha256_path
from minerisk.pipelines.provenance.manifest import (
    locked,
    read_manifest,
    record_maker,
    stage_key,
    write_manifest,
)
from minerisk.pipelines.provenance.reviews import line_of, review_sha256, signed_bytes
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.provenance.signatures import public_text, read_key, sign
from minerisk.pipelines.records.manifest import Manifest
from minerisk.pipelines.records.request import Filters
from minerisk.pipelines.records.review import Review, State
from minerisk.pipelines.request.pack import PackContents
from minerisk.pipelines.run.folder import Run

APPROVE = Decision("approve", by="reviewer 7", note="gates passed, map looked at")
REJECT = Decision("reject", by="reviewer 7", note="front line is of the wrong year")
WITHDRAW = Decision("withdraw", by="reviewer 9", note="accident on land called lower")


def problems(folder: Path, **given: Any) -> tuple[str, ...]:
    return tuple(map(ENGLISH.say, audit_run(RunFolder(folder), **given).problems))


def change_manifest(folder: Path, change: Callable[[dict], None]) -> Manifest:
    """Change the manifest of a run, and chain it again."""
    content = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    change(content)
    changed = Manifest.model_validate_json(json.dumps(content))
    return write_manifest(RunFolder(folder), changed)


def rehash(folder: Path, name: str) -> None:
    """Do what somebody would who changes an output and wants the trail to hold."""
    digest = sha256_path(folder / name)

    def change(manifest: dict) -> None:
        for stage in manifest["stages"]:
            for side in ("inputs", "outputs"):
                if name in stage[side]:
                    stage[side][name] = digest
            code = manifest["environments"][stage["environment"]]["code_sha256"]
            stage["key"] = stage_key(stage["name"], code, stage["settings"], stage["inputs"])

    change_manifest(folder, change)


def without_report(folder: Path) -> None:
    change_manifest(folder, lambda manifest: manifest["stages"].pop())


@pytest.fixture
def passing(tiny_copy: Path) -> Path:
    """A run made by staff 12 whose gates all pass. (The tiny run's own numbers need not.)"""
    path = tiny_copy / "metrics.json"
    metrics = json.loads(path.read_text(encoding="utf-8"))
    for gate in metrics["gates"]:
        gate["passed"] = True
    path.write_text(json.dumps(metrics), encoding="utf-8")
    rehash(tiny_copy, "metrics.json")
    record_maker(RunFolder(tiny_copy), "Staff 12")
    return tiny_copy


def key_file(
    folder: Path, name: str = "key.pem", form: PrivateFormat = PrivateFormat.PKCS8
) -> Path:
    path = folder / name
    key = Ed25519PrivateKey.generate()
    path.write_bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    path.with_suffix(".pub").write_bytes(public + b" reviewer seven\n")
    return path


def test_a_run_goes_from_draft_to_withdrawn_and_no_further(passing: Path) -> None:
    assert Run.open(passing).standing().state == "draft"
    assert review_run(Run.open(passing), REJECT).state == "rejected"
    assert review_run(Run.open(passing), APPROVE).state == "approved"
    assert problems(passing) == ()
    assert review_run(Run.open(passing), WITHDRAW).state == "withdrawn"
    with pytest.raises(InputError, match="final"):
        review_run(Run.open(passing), APPROVE)
    assert [entry.decision for entry in Run.open(passing).reviews().entries] == [
        "reject", "approve", "withdraw",
    ]  # fmt: skip


def test_only_an_approved_run_is_withdrawn(passing: Path) -> None:
    with pytest.raises(InputError, match="only an approved run"):
        review_run(Run.open(passing), WITHDRAW)
    assert not (passing / "reviews.jsonl").exists()


@pytest.mark.parametrize("name", ["Staff 12", "staff  12 ", "ＳＴＡＦＦ 12"])
def test_whoever_made_the_run_cannot_approve_it(passing: Path, name: str) -> None:
    with pytest.raises(FindingError, match="cannot approve"):
        review_run(Run.open(passing), Decision("approve", by=name, note="fine"))
    assert Run.open(passing).standing().state == "draft"


def test_a_run_that_names_nobody_cannot_be_approved(tiny_copy: Path) -> None:
    with pytest.raises(InputError, match="does not say who made it"):
        review_run(Run.open(tiny_copy), APPROVE)


def test_a_gate_not_passed_cannot_be_approved_away(passing: Path) -> None:
    path = passing / "metrics.json"
    metrics = json.loads(path.read_text(encoding="utf-8"))
    metrics["gates"][0]["passed"] = False
    path.write_text(json.dumps(metrics), encoding="utf-8")
    rehash(passing, "metrics.json")
    with pytest.raises(FindingError, match="Gates not passed: positive_cells"):
        review_run(Run.open(passing), APPROVE)
    assert review_run(Run.open(passing), REJECT).state == "rejected"


def test_a_half_written_run_cannot_be_approved(passing: Path) -> None:
    without_report(passing)
    with pytest.raises(InputError, match=r"not finished \(report\)"):
        review_run(Run.open(passing), APPROVE)


def test_a_changed_run_cannot_be_approved(passing: Path) -> None:
    (passing / "tasks.csv").write_text("task\n")
    with pytest.raises(FindingError, match=r"tasks\.csv"):
        review_run(Run.open(passing), APPROVE)


def test_a_stage_rewritten_or_dropped_after_a_review_is_seen(passing: Path) -> None:
    review_run(Run.open(passing), APPROVE)
    manifest = read_manifest(RunFolder(passing))
    without_report(passing)
    (passing / "report.html").unlink()
    found = problems(passing)
    assert any("the run was changed after the last review" in line for line in found)
    assert Run.open(passing).standing().state == "draft"
    write_manifest(RunFolder(passing), manifest)
    (passing / "tasks.csv").write_text("task\n")
    rehash(passing, "tasks.csv")
    assert any("the run was changed after" in line for line in problems(passing))


def test_a_pin_shows_a_run_rewritten_whole(passing: Path) -> None:
    """Without a key everything in a folder can be made anew; a hash kept elsewhere still shows."""
    review_run(Run.open(passing), REJECT)
    review_run(Run.open(passing), APPROVE)
    pin = Run.open(passing).reviews().end
    assert problems(passing, pin=pin) == ()
    (passing / "reviews.jsonl").unlink()
    follow(Run.open(passing))
    (passing / "tasks.csv").write_text("task\n")
    rehash(passing, "tasks.csv")
    review_run(Run.open(passing), APPROVE)
    assert problems(passing) == ()
    assert any("the run was rewritten" in line for line in problems(passing, pin=pin))


@pytest.mark.parametrize(
    ("old", "new"),
    [("reviewer 7", "reviewer 8"), ('"approve"', '"reject"'), ("looked", "lookad"), ("{", "{ ")],
)
def test_a_log_edited_by_hand_is_named_and_counts_for_nothing(
    passing: Path, old: str, new: str
) -> None:
    review_run(Run.open(passing), APPROVE)
    path = passing / "reviews.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    assert Run.open(passing).standing().state == "does not verify"
    assert any("reviews.jsonl, line 1" in line for line in problems(passing))
    with pytest.raises(FindingError, match="Nothing was added"):
        review_run(Run.open(passing), REJECT)


@pytest.mark.parametrize("text", ["", "not JSON\n", "{}\n", "[1]\n", "[" * 100_000 + "\n", "\xff"])
def test_what_is_no_log_is_named(passing: Path, text: str) -> None:
    (passing / "reviews.jsonl").write_text(text, encoding="latin-1")
    assert Run.open(passing).reviews().problems
    assert Run.open(passing).standing().state == "does not verify"


def test_a_dropped_line_is_seen_by_the_next_or_by_mlflow(passing: Path) -> None:
    review_run(Run.open(passing), APPROVE)
    review_run(Run.open(passing), WITHDRAW)
    path = passing / "reviews.jsonl"
    first, second = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text(second, encoding="utf-8")
    assert any("does not follow" in line for line in problems(passing))
    path.write_text(first, encoding="utf-8")
    assert any("minerisk.review" in line for line in problems(passing))


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.OpenSSH])
def test_a_signature_holds_until_a_word_changes(
    passing: Path, tmp_path: Path, form: PrivateFormat
) -> None:
    key = key_file(tmp_path, form=form)
    review_run(Run.open(passing), APPROVE, key=key)
    assert problems(passing, trust=key.with_suffix(".pub")) == ()
    path = passing / "reviews.jsonl"
    entry = json.loads(path.read_text(encoding="utf-8"))
    entry["note"] = "another note"
    path.write_text(line_of(hashed(entry)) + "\n", encoding="utf-8")
    assert any("signature is not that of its key" in line for line in problems(passing))


def hashed(entry: dict) -> Review:
    whole = Review.model_validate_json(json.dumps(entry))
    return whole.model_copy(update={"sha256": review_sha256(whole)})


def chain(folder: Path, entries: list[dict]) -> None:
    """Do what an attacker would without a key: number, link and hash the lines again."""
    before, lines = None, []
    for number, entry in enumerate(entries, start=1):
        made = hashed(entry | {"number": number, "before": before})
        before = made.sha256
        lines.append(line_of(made) + "\n")
    (folder / "reviews.jsonl").write_text("".join(lines), encoding="utf-8")


def entries_of(folder: Path) -> list[dict]:
    lines = (folder / "reviews.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_a_log_chained_anew_is_seen_by_signature_mlflow_or_pin(
    passing: Path, tmp_path: Path
) -> None:
    key = key_file(tmp_path)
    trust = key.with_suffix(".pub")
    review_run(Run.open(passing), REJECT, key=key)
    pin = Run.open(passing).reviews().end
    (entry,) = entries_of(passing)
    chain(passing, [entry | {"decision": "approve", "champion": True}])
    found = problems(passing, pin=pin)
    assert any("its signature is not that of its key" in line for line in found)
    assert any("MLflow's tag minerisk.review" in line for line in found)
    assert any("the run was rewritten" in line for line in found)
    assert Run.open(passing).standing().state == "does not verify"
    # Without signature the chain holds; what is left is MLflow, a pin, or --trust.
    chain(passing, [entry | {"decision": "approve", "key": None, "signature": None}])
    assert Run.open(passing).standing().state == "approved"
    assert any("MLflow's tag" in line for line in problems(passing))
    follow(Run.open(passing))
    assert problems(passing) == ()
    assert any(
        "is not signed: whoever" in line
        for line in map(ENGLISH.say, audit_run(RunFolder(passing)).notes)
    )
    assert any("is not signed" in line for line in problems(passing, trust=trust))
    assert any("the run was rewritten" in line for line in problems(passing, pin=pin))


def test_another_public_key_in_a_signed_line_is_seen(passing: Path, tmp_path: Path) -> None:
    key, other = key_file(tmp_path), key_file(tmp_path, "other.pem")
    review_run(Run.open(passing), REJECT, key=key)
    (entry,) = entries_of(passing)
    thief = read_key(other)
    chain(passing, [entry | {"key": public_text(thief)}])
    assert any("signature is not that of its key" in line for line in problems(passing))
    # Signed anew by the thief's own key the line is whole: only a list of trusted keys tells.
    forged = entry | {"key": public_text(thief), "by": "reviewer 7", "decision": "approve"}
    forged["signature"] = sign(thief, signed_bytes(hashed(forged)))
    chain(passing, [forged])
    follow(Run.open(passing))
    assert problems(passing) == ()
    trusted = audit_run(RunFolder(passing), trust=key.with_suffix(".pub"))
    assert any("which you do not trust" in ENGLISH.say(each) for each in trusted.problems)


def test_a_signed_approval_does_not_fit_another_run(
    passing: Path, tiny_run: Path, tmp_path: Path
) -> None:
    review_run(Run.open(passing), APPROVE, key=key_file(tmp_path))
    other = tiny_run.parent / f"other-of-{tmp_path.name}"
    shutil.copytree(tiny_run, other)
    shutil.copyfile(passing / "reviews.jsonl", other / "reviews.jsonl")
    assert Run.open(other).standing().state == "draft"
    assert any("was of a trail that ends in" in line for line in problems(other))


def test_a_key_that_nobody_vouched_for_is_named(passing: Path, tmp_path: Path) -> None:
    review_run(Run.open(passing), APPROVE, key=key_file(tmp_path))
    other = key_file(tmp_path, "other.pem").with_suffix(".pub")
    assert any("do not trust" in line for line in problems(passing, trust=other))
    assert problems(passing) == ()
    assert any(
        "no --trust" in line for line in map(ENGLISH.say, audit_run(RunFolder(passing)).notes)
    )


def test_a_review_without_signature_is_not_trusted(passing: Path, tmp_path: Path) -> None:
    review_run(Run.open(passing), APPROVE)
    trust = key_file(tmp_path).with_suffix(".pub")
    assert any("is not signed" in line for line in problems(passing, trust=trust))


@pytest.mark.parametrize("content", [b"", b"hello", b"-----BEGIN PRIVATE KEY-----\nx\n"])
def test_what_is_no_key_is_refused_before_anything_is_written(
    passing: Path, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(InputError, match="cannot be used as a key"):
        review_run(Run.open(passing), APPROVE, key=tmp_path / "key")
    assert not (passing / "reviews.jsonl").exists()


@pytest.mark.parametrize("words", [Decision("bless", "a", "b"), Decision("approve", " ", "b"),
    Decision("reject", "a", ""), Decision("reject", "a", "b\nc"),
    Decision("reject", "a", "b", champion=True)])  # fmt: skip
def test_a_decision_that_is_none_is_refused(passing: Path, words: Decision) -> None:
    with pytest.raises(InputError):
        review_run(Run.open(passing), words)
    assert not (passing / "reviews.jsonl").exists()


@pytest.mark.parametrize("state", [State.DRAFT, State.REJECTED, State.APPROVED])
def test_only_what_is_approved_is_handed_out_without_the_draft_mark(
    tiny_run: Path, state: State
) -> None:
    run = SimpleNamespace(
        folder=tiny_run,
        manifest=Run.open(tiny_run).manifest,
        simulated=False,
        config=SimpleNamespace(study_area=SimpleNamespace(name="x")),
    )
    asked = PackContents(run, None, None, "x", Filters(), False, state, {}, tiny_run / "tasks.gpkg")
    marked = [mark for mark in asked.marks if mark.startswith("DRAFT")]
    assert len(marked) == (state != "approved")
    tags = Marks(state, simulated=False).tags
    assert tags["STATE"].startswith("DRAFT") is (state != "approved")


def aliases(folder: Path) -> dict[str, str]:
    with sqlite3.connect(folder / "mlflow.db") as store:
        return dict(store.execute("SELECT alias, version FROM registered_model_aliases"))


def test_mlflow_follows_and_a_moved_alias_or_tag_is_noticed(passing: Path) -> None:
    review_run(Run.open(passing), Decision("approve", "reviewer 7", "good", champion=True))
    assert set(aliases(passing)) == {"candidate", "champion"}
    assert problems(passing) == ()
    with sqlite3.connect(passing / "mlflow.db") as store:
        store.execute("DELETE FROM registered_model_aliases WHERE alias = 'champion'")
    assert any("champion" in line for line in problems(passing))
    follow(Run.open(passing))
    assert problems(passing) == ()
    with sqlite3.connect(passing / "mlflow.db") as store:
        store.execute("UPDATE model_version_tags SET value = 'x' WHERE key = 'minerisk.review'")
    assert any("tag minerisk.review is 'x'" in line for line in problems(passing))
    review_run(Run.open(passing), WITHDRAW)
    assert set(aliases(passing)) == {"candidate"}
    assert problems(passing) == ()


def test_an_alias_on_a_run_that_was_never_approved_is_noticed(passing: Path) -> None:
    with sqlite3.connect(passing / "mlflow.db") as store:
        store.execute(
            "INSERT INTO registered_model_aliases SELECT 'champion', version, name, workspace "
            "FROM registered_model_aliases WHERE alias = 'candidate'"
        )
    assert any("champion; the reviews do not" in line for line in problems(passing))


def test_a_changed_copy_of_the_model_in_mlflow_is_noticed(passing: Path) -> None:
    for copy in (passing / "mlflow").glob("*/artifacts/model/data/model/model.json"):
        copy.write_bytes(copy.read_bytes() + b" ")
    assert any("is not the model of this run" in line for line in problems(passing))


def test_a_locked_store_keeps_the_review_and_says_so(
    passing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    review_run(Run.open(passing), REJECT)
    store = sqlite3.connect(passing / "mlflow.db", isolation_level=None)
    store.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr("minerisk.pipelines.tracking.registry.LOCK_WAIT_S", 0.1)
    try:
        assert any("cannot be read" in line for line in problems(passing))
    finally:
        store.execute("ROLLBACK")
        store.close()
    assert problems(passing) == ()

    def refuse(*_: object) -> None:
        raise InputError("database is locked.")

    with monkeypatch.context() as patch:
        patch.setattr(decide, "follow_reviews", refuse)
        with pytest.raises(FindingError, match=r"on record.*review follow"):
            review_run(Run.open(passing), APPROVE)
    assert Run.open(passing).standing().state == "approved"
    found = audit_run(RunFolder(passing))
    assert found.problems == ()
    assert any("has yet to follow the newest" in ENGLISH.say(note) for note in found.notes)
    follow(Run.open(passing))
    assert problems(passing) == ()
    assert not any("yet to follow" in ENGLISH.say(n) for n in audit_run(RunFolder(passing)).notes)


def test_a_full_disk_leaves_the_log_as_it_was(
    passing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    review_run(Run.open(passing), REJECT)
    before = (passing / "reviews.jsonl").read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device", "x")

    monkeypatch.setattr("minerisk.pipelines.provenance.files.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        review_run(Run.open(passing), APPROVE)
    assert (passing / "reviews.jsonl").read_bytes() == before
    assert not list(passing.glob(".*.partial"))


def test_two_at_once_do_not_both_write(passing: Path) -> None:
    with locked(passing):
        with pytest.raises(InputError, match="Another minerisk process"):
            review_run(Run.open(passing), REJECT)
        with pytest.raises(InputError, match="Another minerisk process"):
            audit_run(RunFolder(passing))
    failed: list[Exception] = []

    def decide(number: int) -> None:
        try:
            review_run(Run.open(passing), Decision("reject", f"reviewer {number}", "looked at"))
        except (InputError, FindingError) as error:
            failed.append(error)

    threads = [threading.Thread(target=decide, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log = Run.open(passing).reviews()
    assert log.problems == ()
    assert len(log.entries) >= 1


def test_a_clock_set_back_is_noted_and_does_not_break_the_order(
    passing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datetime as dt

    times = iter([dt.datetime(2030, 1, 2, tzinfo=dt.UTC), dt.datetime(2020, 1, 1, tzinfo=dt.UTC)])
    monkeypatch.setattr(decide, "now", lambda: next(times))
    review_run(Run.open(passing), REJECT)
    assert review_run(Run.open(passing), APPROVE).state == "approved"
    log = Run.open(passing).reviews()
    assert log.problems == ()
    assert any("clock was set back" in note for note in map(ENGLISH.say, log.notes))


def test_names_and_paths_in_any_script(passing: Path, tmp_path: Path) -> None:
    moved = passing.parent / f"Степанакерт {tmp_path.name} обзор"
    passing.rename(moved)
    made = Decision("approve", by="Арам 👀", note="просмотрено — ок")
    assert review_run(Run.open(moved), made).state == "approved"
    log = Run.open(moved).reviews()
    assert log.entries[0].by == "Арам 👀"
    assert problems(moved, pin=log.end) == ()


def test_a_review_stays_on_record_when_the_server_of_mlflow_is_gone(
    tiny_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"MAX_RETRIES": "0", "TIMEOUT": "5"}.items():
        monkeypatch.setenv(f"MLFLOW_HTTP_REQUEST_{name}", value)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(
        FindingError, match=r"is on record; MLflow did not follow: .* review follow"
    ):
        review_run(Run.open(tiny_copy), REJECT)
    assert [one.by for one in Run.open(tiny_copy).reviews().entries] == ["reviewer 7"]
