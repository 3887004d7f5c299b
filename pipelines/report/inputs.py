"""What a report says of its inputs: what went in, what came out, what is not known."""

from collections.abc import Mapping
from typing import Any

from minerisk.features.kinds import FEATURE_KINDS
from minerisk.pipelines.language.messages import Texts
from minerisk.pipelines.language.numbers import number
from minerisk.pipelines.records.problem import Problem

TOP_MOVED = 8


def unknowns(
    config: Mapping[str, Any], manifest: Mapping[str, Any], data: Mapping[str, Any], told: Texts
) -> dict[str, Any]:
    """Say what the layers leave open: their errors, what is in no layer, what to beware of."""
    layers = config.get("layers", {})
    used = {str(feature.get("kind")) for feature in config.get("features", [])}
    named = {str(feature.get("layer")) for feature in config.get("features", [])}
    absent = [
        kind.words
        for name, kind in FEATURE_KINDS.items()
        if kind.role == "feature" and not kind.of_any_layer and name not in used
    ]
    absent += [word for word in ("roads", "settlements") if not any(word in n for n in named)]
    moved: dict[str, Any] = {}
    left_out: list[Problem] = []
    for stage in manifest.get("stages", []):
        found = stage.get("facts", {}).get("left_out", [])
        left_out += [Problem.model_validate(problem) for problem in found]
        moved = stage.get("facts", {}).get("line_error", moved)
    return {
        "moved": _moved(moved),
        "errors": [
            (name.replace("_", " "), number(float(layer["position_error_m"])))
            for name, layer in layers.items()
            if layer.get("position_error_m")
        ],
        "absent": [
            *(told.told(words) for words in absent if used),
            *(told.say(problem) for problem in left_out if used),
        ],
        "unsurveyed": told.told((data.get("unsurveyed") or {}).get("words", "")),
        "warnings": [told.told(words) for words in data.get("warnings", [])],
    }


def _moved(found: Mapping[str, Any]) -> dict[str, Any]:
    """Word the columns that answer most to lines being off by their stated error."""
    rows = [
        {
            "column": row["column"].replace("_", " "),
            "change": _amount(row["change"], row["unit"]),
            "share": number(row["share"], "share"),
        }
        for row in found.get("rows", [])
    ]
    return {**found, "rows": rows[:TOP_MOVED], "others": max(0, len(rows) - TOP_MOVED)}


def _amount(value: float, unit: str) -> str:
    amount = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return amount if unit == "1" else f"{amount} {unit}"


def inputs(config: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[dict[str, str]]:
    """List the layers and the configuration with their SHA-256, source and licence."""
    hashes: dict[str, str] = {}
    for stage in manifest.get("stages", []):
        hashes.update(
            (name, digest)
            for name, digest in stage.get("inputs", {}).items()
            if name.startswith("layer:") or name == "config.yaml"
        )
    layers = config.get("layers", {})
    return [
        {
            "name": name.removeprefix("layer:"),
            "sha256": digest,
            "source": str(layers.get(name.removeprefix("layer:"), {}).get("source", "")),
            "licence": str(layers.get(name.removeprefix("layer:"), {}).get("licence", "")),
        }
        for name, digest in sorted(hashes.items())
    ]


def outputs(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """List what the run made, with SHA-256; styles are left out."""
    found: dict[str, str] = {}
    for stage in manifest.get("stages", []):
        found.update(stage.get("outputs", {}))
    return sorted(
        (name, digest)
        for name, digest in found.items()
        if name.startswith(("rasters/", "tasks", "model", "metrics")) and not name.endswith(".qml")
    )
