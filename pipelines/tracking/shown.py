"""What MLflow shows of a run: its name and tags, six numbers first, and the others in groups."""

from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue

from minerisk.configs.bounds import names_in
from minerisk.configs.schema import Config
from minerisk.models.evaluation.measures import Measure, ModelName
from minerisk.models.folds.protocol import ProtocolName
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.records.manifest import Environment
from minerisk.pipelines.records.metrics import Metrics
from minerisk.pipelines.records.review import State
from minerisk.pipelines.run.folder import Run

HEADLINES: Final = (
    (ProtocolName.FAR, Measure.FOUND_IN_TOP_20),
    (ProtocolName.NEAR, Measure.FOUND_IN_TOP_20),
    (ProtocolName.FAR, Measure.ROC_AUC),
    (ProtocolName.FAR, Measure.AVERAGE_PRECISION),
    (ProtocolName.FAR, Measure.CALIBRATION_SLOPE),
)
APPLICABLE: Final = "share_inside_applicability"
"""Beside the five scores: of how much of the land the model can say anything."""
DESCRIPTION: Final = "mlflow.note.content"
MAKER: Final = "mlflow.user"


def run_title(run: Run, state: State) -> str:
    """Name a run: what it has to bear wherever it goes, study area, the key of its training.

    MLflow's tables cut names off at their end.
    """
    key = run.manifest().done("train").key[:8]
    marks = Marks(state, run.simulated)
    state_word = "" if state is State.APPROVED else marks.run_state
    words = (state_word, "SIMULATED" if run.simulated else "", run.config.study_area.name, key)
    return " ".join(word for word in words if word)


def state_tags(run: Run, state: State) -> dict[str, str]:
    """Return the tags that follow how a run stands: the marks of every file of it, in words too."""
    marks = Marks(state, run.simulated)
    words = [f"{line}." for line in marks.words()]
    words += [f"{run.config.study_area.title}.", f"Gates not passed: {_failed_gates(run)}."]
    words.append("Compare runs by the metrics without a group.")
    tags = {f"minerisk.{name}": str(value) for name, value in marks.columns.items()}
    return tags | {DESCRIPTION: " ".join(words)}


def run_tags(run: Run, used: Environment) -> dict[str, str]:
    """Return what is known of a run and of the program that trained it; no name of a person."""
    tags = {
        MAKER: maker(used),
        "mlflow.source.name": "minerisk run",
        "mlflow.source.type": "LOCAL",
        "minerisk.study_area": run.config.study_area.name,
        "minerisk.gates_failed": _failed_gates(run),
        "minerisk.code_sha256": used.code_sha256,
        "minerisk.lock_sha256": str(used.lock_sha256),
    }
    if used.code_commit is not None:
        tags["mlflow.source.git.commit"] = used.code_commit
        tags["minerisk.code_dirty"] = str(used.code_dirty)
    return tags


def maker(used: Environment) -> str:
    """Name the program that trained a run, where MLflow would take the name of the account."""
    return f"minerisk {used.minerisk}"


def metric_values(metrics: Metrics) -> dict[str, float]:
    """Name scores as MLflow groups them, by what is before the slash; the six headlines lead.

    ``far/roc_auc`` is the model's, ``far interval/roc_auc.low`` the end of its interval, and
    ``far rules/distance_rule.roc_auc`` that of a rule of thumb. `metrics.json` has the rest.
    """
    values: dict[str, float | None] = {
        f"{protocol}_{measure}": metrics.protocols[protocol].model.by_measure()[measure].value
        for protocol, measure in HEADLINES
        if protocol in metrics.protocols
    }
    values |= {APPLICABLE: metrics.applicable_share}
    values |= {"land/prevalence": metrics.prevalence, "land/range_m": metrics.range_m}
    for protocol, scores in metrics.protocols.items():
        for measure, found in scores.model.items():
            values[f"{protocol}/{measure}"] = found.value
            values[f"{protocol} interval/{measure}.low"] = found.low
            values[f"{protocol} interval/{measure}.high"] = found.high
        for model, measures in scores.models.items():
            if model is ModelName.MODEL:
                continue
            for measure, found in measures.items():
                values[f"{protocol} rules/{model}.{measure}"] = found.value
    return {name: value for name, value in values.items() if value is not None}


def run_params(config: Config) -> dict[str, JsonValue]:
    """Flatten the settings that make one run another: ``features.distance.roads.cap_m``.

    Features are named by kind and layer, not by their place, so that one more shifts no other.
    """
    settings = config.model_dump(mode="json", include={"study_area", "folds", "model", "gates"})
    found = _flat(settings)
    for item in config.model_dump(mode="json", include={"features"})["features"]:
        kind, layers = item.pop("kind"), names_in(item.pop("layer", None))
        known = ".".join(["features", kind, *layers])
        name, number = known, 1
        while any(key.startswith(f"{name}.") for key in found):
            number += 1
            name = f"{known}.{number}"
        found |= _flat(item, f"{name}.") or {f"{name}.used": True}
    return found


def _failed_gates(run: Run) -> str:
    return ", ".join(gate.name for gate in run.metrics().failed_gates) or "none"


def _flat(value: Mapping[str, JsonValue], prefix: str = "") -> dict[str, JsonValue]:
    flat: dict[str, JsonValue] = {}
    for key, item in value.items():
        name = f"{prefix}{key}"
        flat |= _flat(item, f"{name}.") if isinstance(item, dict) else {name: item}
    return flat
