"""docs/features/ablation.json weighs every kind of feature that the wide studies read."""

from pathlib import Path

import pytest
import yaml

from minerisk.models.folds.protocol import ProtocolName
from minerisk.pipelines.evaluate.ablation import Change
from minerisk.pipelines.records.evaluations import Ablation, AblationMeasure, Ablations

ROOT = Path(__file__).resolve().parents[2]
AREAS = Ablations.read(ROOT / "docs" / "features" / "ablation.json").areas
LAYERS = " ".join((ROOT / "docs" / "layers.md").read_text(encoding="utf-8").split())
NOT_READ = {"search_effort"}
"""Kinds that no model reads, so that no ablation can weigh them."""


@pytest.mark.parametrize("area", ["bosnia_wide", "karabakh_wide"])
def test_every_kind_of_the_wide_study_was_weighed(area: str) -> None:
    config = yaml.safe_load((ROOT / "configs" / f"{area}.yaml").read_text(encoding="utf-8"))
    kinds = {item["kind"] for item in config["features"]}
    weighed = {row.family for row in AREAS[area].rows}
    assert kinds - NOT_READ <= weighed
    assert "past_findings" in weighed
    assert ("beyond_cover" in weighed) == ("beyond_cover" in config["model"])


def added_far(found: Ablation, family: str) -> tuple[float, float, float]:
    (row,) = (
        row
        for row in found.rows
        if (row.family, row.change, row.protocol, row.measure)
        == (family, Change.ADDED, ProtocolName.FAR, AblationMeasure.ROC_AUC)
    )
    assert row.difference is not None
    assert row.lower is not None
    assert row.upper is not None
    return row.difference, row.lower, row.upper


def test_what_layers_are_said_to_add_is_what_was_measured() -> None:
    found = AREAS["bosnia_wide"]
    low, high = (added_far(found, name) for name in ("front_line", "density"))
    assert "`front_line`) {:.3f} ({:.3f} to {:.3f})".format(*low) in LAYERS
    assert (
        "(`density`) added {:.3f} of ROC-AUC (90 % interval {:.3f} to {:.3f})".format(*high)
        in LAYERS
    )
    paying = {
        row.family
        for row in found.rows
        if row.change is Change.ADDED and added_far(found, row.family)[1] > 0
    }
    little = paying - {"front_line", "density"}
    assert little == {"beyond_cover", "front_epochs", "land_cover", "value"}
    gains = [round(added_far(found, name)[0], 3) for name in little]
    assert f"added {min(gains):.3f} to {max(gains):.3f}" in LAYERS
