"""What `metrics.json` holds can be read back as it was, and nothing else can be."""

import json
from pathlib import Path

import pytest

from minerisk.features.errors import InputError
from minerisk.models.evaluation.measures import Measure, ModelName
from minerisk.models.folds.protocol import ProtocolName, Splitter
from minerisk.pipelines.records.metrics import Metrics
from minerisk.pipelines.run.folder import Run


def test_a_run_reads_its_scores_with_types(tiny_run: Path) -> None:
    metrics = Run.open(tiny_run).metrics()
    auc = metrics.far.model.roc_auc
    assert auc.low <= auc.value <= auc.high
    assert metrics.near is metrics.protocols[ProtocolName.NEAR]
    assert (metrics.far.splitter, metrics.near.splitter) == (Splitter.REGIONS, Splitter.KNNDM)
    assert metrics.far.models[ModelName.MODEL].by_measure()[Measure.ROC_AUC] == auc
    assert metrics.gates_passed == (not metrics.failed_gates)


def test_scores_written_are_scores_read(tiny_run: Path) -> None:
    path = tiny_run / "metrics.json"
    metrics = Metrics.read(path)
    assert metrics.to_json() == path.read_text(encoding="utf-8")
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert stored["protocols"]["far"]["models"]["model"]["roc_auc"] == list(
        metrics.far.model.roc_auc
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prevalense": 0.1}, "prevalense"),
        ({"prevalence": "high"}, "prevalence"),
        ({"schema_version": 99}, "schema version 99"),
        ({"gates": [{"name": "luck", "threshold": 0, "value": 0, "passed": True}]}, "gates"),
    ],
)
def test_another_file_is_refused_by_name(
    tiny_run: Path, tmp_path: Path, change: dict, words: str
) -> None:
    stored = json.loads((tiny_run / "metrics.json").read_text(encoding="utf-8"))
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps(stored | change), encoding="utf-8")
    with pytest.raises(InputError, match=words):
        Metrics.read(path)
