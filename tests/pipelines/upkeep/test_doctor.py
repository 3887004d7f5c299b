"""`minerisk doctor` tells what is there, what is not, and what to do."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from minerisk.features.errors import InputError
from minerisk.pipelines.cli.main import app
from minerisk.pipelines.provenance import extras
from minerisk.pipelines.provenance.extras import Extra, extra_of, need
from minerisk.pipelines.upkeep import doctor
from minerisk.pipelines.upkeep.diagnosis import Diagnosis, Subject, Verdict
from minerisk.pipelines.upkeep.doctor import diagnose, diagnosis_lines


def of(found: Diagnosis, subject: Subject) -> Verdict:
    (check,) = (check for check in found.checks if check.subject is subject)
    return check.verdict


@pytest.fixture(autouse=True)
def no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_a_machine_that_will_do_has_no_problem_and_says_so_as_json(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["doctor", "--runs", str(tmp_path / "new"), "--json"])
    assert done.exit_code == 0, done.output
    found = Diagnosis.model_validate(json.loads(done.stdout))
    assert {check.subject for check in found.checks} == set(Subject)
    lines = list(diagnosis_lines(found))
    assert lines[-1] == "0 problems."
    assert any("GDAL" in line for line in lines)


def test_whatever_is_not_well_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "LEAST_DISK_GB", 1e9)
    monkeypatch.setattr(doctor, "LEAST_MEMORY_GB", 1e9)
    monkeypatch.setattr(doctor, "VECTOR_DRIVERS", ("GPKG", "NoSuchDriver"))
    monkeypatch.setattr(doctor, "LETTERS", "\U0001f9ea")
    monkeypatch.setattr(doctor, "requires", lambda _: ["numpy>=999", "no-such-package>=1"])
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    found = diagnose(tmp_path)
    wrong = {check.subject for check in found.checks if check.verdict is Verdict.PROBLEM}
    assert wrong == {
        Subject.DISK, Subject.MEMORY, Subject.VECTOR_DRIVERS, Subject.FONTS, Subject.PACKAGES,
        Subject.STORE,
    }  # fmt: skip
    assert all(check.advice for check in found.checks if check.verdict is Verdict.PROBLEM)
    assert not found.passed
    packages = next(check for check in found.checks if check.subject is Subject.PACKAGES)
    assert "no-such-package is missing" in packages.found


def test_an_extra_that_is_missing_is_named_with_its_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(extras.MODULES, Extra.TRAIN, ("mlflow", "no_such_module"))
    with pytest.raises(InputError, match=r"no_such_module.*pip install 'minerisk\[train\]'"):
        need(Extra.TRAIN)
    need(Extra.DIGITISE)
    assert extra_of("distributed.comm") is Extra.DASK
    assert extra_of("skimage.color") is Extra.DIGITISE
    assert extra_of("numpy") is None


def test_an_example_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["example", "tiny", "--out", str(tmp_path / "own")])
    assert done.exit_code == 0
    assert (tmp_path / "own" / "tiny.yaml").is_file()
    assert "minerisk run" in done.stdout
