"""What a run says at the end: how good, and where things are."""

from collections.abc import Iterator, Mapping
from typing import Any

from minerisk.pipelines.records.rasters import RasterFacts
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.readers import read_metrics

COLUMNS = {
    "roc_auc": "ROC-AUC",
    "average_precision": "average precision",
    "found_in_top_20": "found in top 20 % of land",
    "calibration_slope": "calibration slope",
}
NAMES = {
    "model": "the model",
    "random_forest": "random forest",
    "logistic_regression": "logistic regression",
    "distance_rule": "distance rule",
    "prevalence": "prevalence alone",
}


def score_lines(metrics: Mapping[str, Any]) -> Iterator[str]:
    """Give scores as a Markdown table: model, rules of thumb, random folds."""
    if metrics.get("simulated"):
        yield "SIMULATED findings: these numbers test the software and claim nothing of real land."
    yield f"Prevalence on labelled land: {metrics['prevalence']:.4f}. 90 % intervals over blocks."
    yield ""
    yield "| protocol | model | " + " | ".join(COLUMNS.values()) + " |"
    yield "| --- | --- | " + " | ".join("---" for _ in COLUMNS) + " |"
    for protocol, found in metrics["protocols"].items():
        label = "random (optimistic reference)" if protocol == "random" else protocol
        for model, measures in found["models"].items():
            cells = " | ".join(_interval(measures, name) for name in COLUMNS)
            yield f"| {label} | {NAMES.get(model, model)} | {cells} |"
    yield ""
    for name, found in metrics["protocols"].items():
        yield f"{name}: {found['folds']} folds; {found['words']}."


def closing_lines(run: Run) -> Iterator[str]:
    """Give the paths and the three numbers that matter."""
    metrics = read_metrics(run.folder)
    far = metrics["protocols"]["far"]["models"]
    near = metrics["protocols"]["near"]["models"]
    if run.simulated:
        yield "SIMULATED findings: the map shows how the software works, not where mines are."
    yield f"1. Far, regions left out whole: {_found(far)}"
    yield f"2. Near, as far as the unsurveyed land is: {_found(near)}"
    unknown = run.manifest().facts("predict", RasterFacts).classes["cannot_say"]
    yield f"3. Cannot say: {unknown:.1%} of the study area."
    failed = [gate["words"] for gate in metrics["gates"] if not gate["passed"]]
    for words in failed:
        yield f"GATE NOT PASSED: {words}. The run is kept and marked."
    yield ""
    for words, name in (
        ("Report", "report.html"),
        ("Map", "rasters/risk_class.tif"),
        ("Probability", "rasters/probability.tif"),
        ("Survey tasks", "tasks.gpkg"),
        ("Trail", "manifest.json"),
    ):
        yield f"{words + ':':<14}{run.folder / name}"
    yield f"{'Check it:':<14}minerisk audit verify {run.folder}"


def _found(models: Mapping[str, Any]) -> str:
    mine = _interval(models["model"], "found_in_top_20", per_cent=True)
    rule = models.get("distance_rule")
    beside = "" if rule is None else f"; distance rule {_interval(rule, 'found_in_top_20', True)}"
    return f"top 20 % of land holds {mine} of positives{beside}."


def _interval(measures: Mapping[str, Any], name: str, per_cent: bool = False) -> str:
    estimate, low, high = measures[name]
    if estimate is None or low is None:
        return "–"
    if per_cent:
        return f"{estimate:.0%} ({low:.0%} to {high:.0%})"
    return f"{estimate:.3f} ({low:.3f} to {high:.3f})"
