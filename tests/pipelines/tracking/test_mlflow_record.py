"""MLflow as a data scientist meets it: what is on record, where, and that nothing calls home."""

import json
import os
import re
import socket
from pathlib import Path

import pytest

from minerisk.configs.front_kinds import FrontEpochs
from minerisk.configs.load import load_config
from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.manifest import read_manifest, write_manifest
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.metrics import Trials
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.steps import redo_step
from minerisk.pipelines.tracking.mlflow_record import QUIET, check_store, run_params
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


def test_a_parent_has_a_finished_child_for_each_far_fold_and_each_tried_setting(
    store, parent, tiny_run: Path
) -> None:
    metrics = json.loads((tiny_run / "metrics.json").read_text(encoding="utf-8"))
    trials = Trials.read(tiny_run / "trials.json").searches
    found = {child.info.run_name: child for child in children(store, parent)}
    regions = {f"far-{region['region']:02d}" for region in metrics["regions"]}
    assert len(regions) == metrics["protocols"]["far"]["folds"]
    tried = {
        f"trial-{protocol}-{trial.choice}-{trial.trial}": trial
        for protocol, search in trials.items()
        for trial in search.trials
    }
    assert found.keys() == regions | tried.keys()
    assert {run.info.status for run in [parent, *found.values()]} == {"FINISHED"}
    for name, trial in tried.items():
        assert found[name].data.metrics["roc_auc"] == pytest.approx(trial.scores.roc_auc)
        assert found[name].data.params["leaves"] == str(trial.settings["leaves"])


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
            assert recorded[f"{protocol}/{model}.roc_auc"] == pytest.approx(estimate)
            assert recorded[f"{protocol} interval/{model}.roc_auc.low"] == pytest.approx(low)
            assert recorded[f"{protocol} interval/{model}.roc_auc.high"] == pytest.approx(high)
    by_name = {child.info.run_name: child.data.metrics for child in children(store, parent)}
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
    assert parent.data.tags["minerisk.findings"] == "SIMULATED"


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
    assert {Path(name).suffix for name in files} <= allowed
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
