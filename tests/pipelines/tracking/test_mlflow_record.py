"""MLflow as a data scientist meets it: what is on record, where, and that nothing calls home."""

import json
import os
import re
import shutil
import socket
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from minerisk.configs.front_kinds import FrontEpochs
from minerisk.configs.load import load_config
from minerisk.features.coverage import EDGE_M
from minerisk.features.errors import InputError
from minerisk.pipelines.audit.decide import Decision, review_run
from minerisk.pipelines.provenance.manifest import read_manifest, write_manifest
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.metrics import Trials
from minerisk.pipelines.records.review import State
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.steps import redo_step
from minerisk.pipelines.tracking.mlflow_record import QUIET, check_store
from minerisk.pipelines.tracking.model_folder import example_cells
from minerisk.pipelines.tracking.shown import metric_values, run_params, run_title
from minerisk.pipelines.tracking.store_place import tracking_uri

ROOT = Path(__file__).resolve().parents[3]

NAME = "minerisk-tiny"


def client(uri: str):
    os.environ.update(QUIET)
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def facts(folder: Path) -> dict:
    stage = read_manifest(RunFolder(folder)).stage("track")
    assert stage is not None
    return dict(stage.facts)


@pytest.fixture(scope="module")
def store(tiny_run: Path):
    return client(f"sqlite:///{tiny_run / 'mlflow.db'}")


@pytest.fixture(scope="module")
def parent(store, tiny_run: Path):
    return store.get_run(facts(tiny_run)["run_id"])


def children(store, parent) -> list:
    return store.search_runs(
        [parent.info.experiment_id],
        filter_string=f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'",
    )


def test_a_parent_has_two_children_and_below_them_each_far_fold_and_each_tried_setting(
    store, parent, tiny_run: Path
) -> None:
    metrics = json.loads((tiny_run / "metrics.json").read_text(encoding="utf-8"))
    trials = Trials.read(tiny_run / "trials.json").searches
    groups = {child.info.run_name: child for child in children(store, parent)}
    assert groups.keys() == {"regions left out", "settings tried"}
    regions = {f"far-{region['region']:02d}" for region in metrics["regions"]}
    assert len(regions) == metrics["protocols"]["far"]["folds"]
    assert {run.info.run_name for run in children(store, groups["regions left out"])} == regions
    tried = {
        f"trial-{protocol}-{trial.choice}-{trial.trial}": trial
        for protocol, search in trials.items()
        for trial in search.trials
    }
    found = {run.info.run_name: run for run in children(store, groups["settings tried"])}
    assert found.keys() == tried.keys()
    assert {run.info.status for run in [parent, *groups.values(), *found.values()]} == {"FINISHED"}
    for name, trial in tried.items():
        assert found[name].data.metrics["roc_auc"] == pytest.approx(trial.scores.roc_auc)
        assert found[name].data.params["leaves"] == str(trial.settings["leaves"])


def test_duration_and_maker_are_those_of_the_training(store, parent, tiny_run: Path) -> None:
    manifest = read_manifest(RunFolder(tiny_run))
    train, used = manifest.done("train"), manifest.environment("train")
    assert used is not None
    seconds = (parent.info.end_time - parent.info.start_time) / 1000
    assert seconds == pytest.approx(train.seconds, abs=0.01)
    assert parent.info.end_time / 1000 == pytest.approx(
        (tiny_run / "metrics.json").stat().st_mtime, abs=0.01
    )
    assert parent.data.tags["mlflow.user"] == f"minerisk {used.minerisk}"
    assert parent.data.tags.get("mlflow.source.git.commit") == used.code_commit
    assert {run.info.end_time for run in children(store, parent)} == {None}  # it is not recorded


def test_draft_and_simulated_stand_in_the_name_and_the_tags(parent, store, tiny_run: Path) -> None:
    key = read_manifest(RunFolder(tiny_run)).done("train").key[:8]
    assert parent.info.run_name == f"DRAFT SIMULATED tiny {key}"
    tags = parent.data.tags
    assert (tags["minerisk.run_state"], tags["minerisk.simulated"]) == ("DRAFT", "1")
    assert tags["mlflow.note.content"].startswith("DRAFT: nobody has approved this run.")
    version = store.get_model_version_by_alias(NAME, "candidate")
    assert version.tags["minerisk.run_state"] == "DRAFT"
    assert version.description.startswith("DRAFT: nobody has approved this run.")
    assert "SIMULATED" in version.tags["minerisk.source_kind"]


def test_the_name_follows_what_a_reviewer_decides(tiny_copy: Path) -> None:
    review_run(Run.open(tiny_copy), Decision("reject", by="reviewer 7", note="a park"))
    found = client(f"sqlite:///{tiny_copy / 'mlflow.db'}").get_run(facts(tiny_copy)["run_id"])
    assert found.info.run_name.startswith("DRAFT (rejected) SIMULATED tiny ")
    assert found.data.tags["minerisk.run_state"] == "DRAFT (rejected)"


def test_a_run_that_is_approved_on_recorded_finds_bears_neither_mark(
    tiny_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run.open(tiny_run)
    assert run_title(run, State.APPROVED).startswith("SIMULATED tiny ")
    monkeypatch.setattr(Run, "simulated", property(lambda _: False))
    assert run_title(run, State.APPROVED).startswith("tiny ")


def test_six_numbers_come_first_and_all_others_are_in_groups(tiny_run: Path) -> None:
    metrics = Run.open(tiny_run).metrics()
    values = metric_values(metrics)
    alone = [name for name in values if "/" not in name]
    assert list(values)[:6] == alone == [
        "far_found_in_top_20", "near_found_in_top_20", "far_roc_auc", "far_average_precision",
        "far_calibration_slope", "share_inside_applicability",
    ]  # fmt: skip
    assert values["far_roc_auc"] == values["far/roc_auc"] == metrics.far.model.roc_auc.value
    groups = {name.split("/")[0] for name in values} - set(alone)
    kinds = ("", " interval", " rules")
    known = {f"{protocol}{kind}" for protocol in metrics.protocols for kind in kinds}
    assert groups == {"land", *known}


def predicted(uri: str, cells: pd.DataFrame) -> pd.DataFrame:
    os.environ.update(QUIET)
    from mlflow import pyfunc

    return pyfunc.load_model(uri).predict(cells)


def test_the_record_of_a_moved_folder_gives_model_and_scores(
    tiny_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget(tiny_copy, "track")
    redo_step(tiny_copy, "track")  # written where the folder is first
    told, moved = facts(tiny_copy), tmp_path / "elsewhere" / "moved"
    shutil.copytree(tiny_copy, moved)
    shutil.rmtree(tiny_copy)
    monkeypatch.chdir(moved)
    store = client("sqlite:///mlflow.db")
    run = store.get_run(told["run_id"])
    expected = Run.open(moved).metrics().far.model.roc_auc.value
    assert run.data.metrics["far_roc_auc"] == pytest.approx(expected)
    assert run.info.artifact_uri == f"mlflow/{told['run_id']}/artifacts"
    version = store.get_model_version(NAME, told["model_version"])
    cube = Run.open(moved).cube()
    y, x = np.argwhere(np.asarray(cube["inside"]) == 1)[100]
    model = Run.open(moved).model()
    cells = pd.DataFrame(
        {"easting": [float(cube["x"][x])], "northing": [float(cube["y"][y])]}
        | {name: [float(cube[name][y, x])] for name in model.features}
    )
    mine = model.predict(cells)
    for uri in (version.source, f"mlflow/{told['run_id']}/artifacts/model"):
        found = predicted(uri, cells)
        assert found["probability_unmasked"][0] == mine.probability[0]
        assert found["area_of_applicability"][0] == int(mine.applicable[0])
    assert not list(Path("mlflow").rglob("*.pkl"))


def test_the_example_of_the_model_can_be_predicted_and_shows_where_it_cannot_say(
    tiny_run: Path, parent
) -> None:
    os.environ.update(QUIET)
    from mlflow import pyfunc
    from mlflow.exceptions import MlflowException

    model = pyfunc.load_model(str(tiny_run / "mlflow" / parent.info.run_id / "artifacts" / "model"))
    example = model.input_example
    assert list(example) == [column.name for column in model.metadata.signature.inputs]
    found = model.predict(example)
    assert list(found) == [column.name for column in model.metadata.signature.outputs]
    assert list(found["area_of_applicability"]) == [1, 1, 0]
    assert list(found["probability"].isna()) == [False, False, True]
    assert not found["probability_unmasked"].isna().any()
    with pytest.raises(MlflowException, match="easting"):
        model.predict(example.drop(columns="easting"))


def test_of_each_cell_of_an_example_it_is_known_whether_layers_cover_it() -> None:
    kept = SimpleNamespace(
        values=lambda: np.array([[1.0, 5.0], [np.nan, 7.0]]),
        centre=np.zeros(2),
        scale=np.ones(2),
        features=("line_m", "slope_deg"),
    )
    model = SimpleNamespace(applicability=kept, features=("line_m", "slope_deg", "flat", EDGE_M))
    places = pd.DataFrame({"easting": [1.0, 2.0], "northing": [3.0, 4.0]})
    found = example_cells(model, places)  # type: ignore[arg-type]
    assert list(np.sign(found[EDGE_M])) == [1, -1, 1]
    assert found["flat"].isna().all()


def test_settings_are_flat_and_features_named_by_what_they_are(parent, tiny_run: Path) -> None:
    params = parent.data.params
    assert params["features.distance.settlements.cap_m"] == "20000.0"
    assert params["features.distance.streams.cap_m"] == "10000.0"
    assert params["model.lightgbm.trees"] == "40"
    assert params["study_area.resolution_m"] == "500.0"
    assert not any(value.startswith("{") for value in params.values())


def test_layers_are_datasets_with_our_sha256(parent, tiny_run: Path) -> None:
    build = read_manifest(RunFolder(tiny_run)).stage("build")
    assert build is not None
    found = {item.dataset.name: item.dataset for item in parent.inputs.dataset_inputs}
    assert {f"layer:{name}" for name in found} >= {
        name for name in build.inputs if name.startswith("layer:")
    }
    facts = json.loads(found["elevation"].source)
    assert facts["sha256"] == build.inputs["layer:elevation"]
    assert facts["licence"] == "public domain"
    assert facts["sha256"].startswith(found["elevation"].digest)


def test_two_features_of_one_kind_and_layer_keep_apart() -> None:
    config = load_config(ROOT / "configs" / "tiny.yaml")
    twice = config.model_copy(update={"features": (*config.features, config.features[2])})
    more = run_params(twice).keys() - run_params(config).keys()
    assert "features.distance.settlements.2.cap_m" in more
    assert all(name.startswith("features.distance.settlements.2.") for name in more)


def test_several_lines_of_one_feature_have_names_that_mlflow_takes() -> None:
    config = load_config(ROOT / "configs" / "tiny.yaml")
    lines = FrontEpochs(layer={"1994": "front_line", "1995": "later_line"}, near_m=(2_000.0,))
    names = run_params(config.model_copy(update={"features": (*config.features, lines)}))
    assert "features.front_epochs.front_line.later_line.cap_m" in names
    assert all(re.fullmatch(r"[\w\-. :/]+", name) for name in names)


def test_scores_on_record_are_those_of_metrics_json(store, parent, tiny_run: Path) -> None:
    metrics = json.loads((tiny_run / "metrics.json").read_text(encoding="utf-8"))
    for protocol in ("far", "near", "random"):
        for model, measures in metrics["protocols"][protocol]["models"].items():
            estimate, low, high = measures["roc_auc"]
            recorded = parent.data.metrics
            if model != "model":
                assert recorded[f"{protocol} rules/{model}.roc_auc"] == pytest.approx(estimate)
                continue
            assert recorded[f"{protocol}/roc_auc"] == pytest.approx(estimate)
            assert recorded[f"{protocol} interval/roc_auc.low"] == pytest.approx(low)
            assert recorded[f"{protocol} interval/roc_auc.high"] == pytest.approx(high)
    groups = {child.info.run_name: child for child in children(store, parent)}
    left_out = children(store, groups["regions left out"])
    by_name = {child.info.run_name: child.data.metrics for child in left_out}
    for region in metrics["regions"]:
        assert by_name[f"far-{region['region']:02d}"]["positive"] == region["positive"]


def test_layers_and_outputs_are_on_record_by_sha256(parent, tiny_run: Path) -> None:
    build = read_manifest(RunFolder(tiny_run)).stage("build")
    assert build is not None
    for name in ("elevation", "front_line", "settlements"):
        recorded = parent.data.params[f"sha256.layer.{name}"]
        assert recorded == build.inputs[f"layer:{name}"]
        assert len(recorded) == 64
    assert parent.data.params["sha256.cube.zarr"] == build.outputs["cube.zarr"]
    assert len(parent.data.params["sha256.config.yaml"]) == 64
    assert len(parent.data.tags["minerisk.lock_sha256"]) == 64


def test_the_model_is_registered_as_candidate_and_nothing_more(
    store, parent, tiny_run: Path
) -> None:
    version = store.get_model_version_by_alias(NAME, "candidate")
    assert str(version.version) == facts(tiny_run)["model_version"]
    assert version.run_id == parent.info.run_id
    assert set(store.get_registered_model(NAME).aliases) == {"candidate"}


def test_artifacts_are_text_parquet_and_pictures_never_pickles(parent, tiny_run: Path) -> None:
    folder = tiny_run / "mlflow" / parent.info.run_id / "artifacts"
    files = {item.relative_to(folder).as_posix() for item in folder.rglob("*") if item.is_file()}
    assert {"config.yaml", "metrics.json", "environment.json", "folds.parquet"} <= files
    assert any(name.startswith("model/") and name.endswith(".lgb") for name in files)
    assert any(name.startswith("figures/") and name.endswith(".png") for name in files)
    allowed = {".yaml", ".json", ".parquet", ".lgb", ".png", ".md"}
    known = {"model/MLmodel", "model/requirements.txt"}
    assert {Path(name).suffix for name in files - known} <= allowed
    booster = next(name for name in sorted(files) if name.endswith(".lgb"))
    assert (folder / booster).read_text(encoding="utf-8").startswith("tree\n")


def test_nothing_calls_home(tiny_run: Path) -> None:
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["DO_NOT_TRACK"] == "true"
    assert os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"


def test_another_store_is_used_when_the_environment_names_one(
    tiny_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", elsewhere)
    forget(tiny_copy, "track")
    redo_step(tiny_copy, "track")
    told = facts(tiny_copy)
    assert client(elsewhere).get_run(told["run_id"]).info.status == "FINISHED"
    assert told["model_version"] == "1"
    assert (tmp_path / "mlflow" / told["run_id"] / "artifacts" / "config.yaml").is_file()


def test_one_run_s_store_is_not_the_next_one_s(tiny_run: Path, tiny_copy: Path) -> None:
    """MLflow writes its store into the environment of the process."""
    assert tracking_uri(Run.open(tiny_run)) == f"sqlite:///{tiny_run / 'mlflow.db'}"
    assert tracking_uri(Run.open(tiny_copy)) == f"sqlite:///{tiny_copy / 'mlflow.db'}"


def test_a_folder_that_was_removed_and_made_anew_is_recorded(
    tiny_copy: Path, tmp_path: Path
) -> None:
    """As in a notebook: the same process, another file at the same address."""
    kept = shutil.copytree(tiny_copy, tmp_path / "kept")
    for _ in range(2):
        forget(tiny_copy, "track")
        redo_step(tiny_copy, "track")
        shutil.rmtree(tiny_copy)
        shutil.copytree(kept, tiny_copy)


def test_a_second_record_is_a_second_version(tiny_copy: Path, tmp_path: Path, monkeypatch) -> None:
    uri = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    for expected in ("1", "2"):
        forget(tiny_copy, "track")
        redo_step(tiny_copy, "track")
        assert facts(tiny_copy)["model_version"] == expected
    assert str(client(uri).get_model_version_by_alias(NAME, "candidate").version) == "2"


def test_a_server_that_does_not_answer_is_named_before_training(
    tiny_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://user:secret@127.0.0.1:{port}")
    run = Run.open(tiny_copy)
    assert tracking_uri(run).startswith("http://")
    with pytest.raises(InputError, match="cannot be used") as refusal:
        check_store(run)
    assert f"127.0.0.1:{port}" in str(refusal.value)
    assert "secret" not in str(refusal.value)


def test_a_store_that_cannot_be_written_leaves_the_model(
    tiny_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tiny_copy / 'model'}")
    forget(tiny_copy, "track")
    with pytest.raises(InputError, match="cannot be used: it cannot be written"):
        redo_step(tiny_copy, "track")
    assert read_manifest(RunFolder(tiny_copy)).stage("train") is not None


def forget(folder: Path, name: str) -> None:
    manifest = read_manifest(RunFolder(folder))
    stages = tuple(stage for stage in manifest.stages if stage.name != name)
    write_manifest(RunFolder(folder), manifest.model_copy(update={"stages": stages}))
