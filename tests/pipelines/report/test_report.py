import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from odc.geo.geobox import GeoBox

from minerisk.features.errors import InputError
from minerisk.features.kinds import FEATURE_KINDS
from minerisk.features.layers.problems import LayerCode, warning
from minerisk.pipelines.formats import cog, palette
from minerisk.pipelines.language.numbers import interval, number
from minerisk.pipelines.plotting import figures
from minerisk.pipelines.records.problem import of_layer
from minerisk.pipelines.report.report import verdict, write_report

GRID = GeoBox.from_bbox((4.9e6, 2.3e6, 4.92e6, 2.315e6), "EPSG:3035", shape=(60, 80))
CURVE = [[share / 100, (share / 100) ** 0.5] for share in range(101)]
BINS = [
    {"predicted": p, "observed": p * 1.2, "low": p * 0.7, "high": p * 1.9, "cells": 100}
    for p in (0.001, 0.01, 0.05)
]
FAMILIES = [{"family": "front_line", "drop": 0.05, "low": 0.03, "high": 0.07}]
REGIONS = [
    {"region": 1, "cells": 900, "positive": 20, "roc_auc": 0.8},
    {"region": 2, "cells": 900, "positive": 0, "roc_auc": None},
]


def scores(found):
    return {
        "roc_auc": [0.8, 0.78, 0.82],
        "found_in_top_20": [found, found - 0.05, found + 0.05],
        "hectares_to_50": [1000.0, 900.0, 1200.0],
        "hectares_to_80": [5000.0, 4000.0, 6500.0],
        "hectares_to_95": [20000.0, None, None],
        "calibration_slope": [0.97, 0.9, 1.04],
    }


LEFT_OUT = of_layer(
    warning(
        "bridges",
        LayerCode.FEATURE_LEFT_OUT,
        kind="distance",
        layer="bridges",
        absent=("bridges",),
    )
)
MOVED = [
    {"column": "front_distance_m", "unit": "m", "change": 956.7, "spread": 15010.0, "share": 0.0637}
] * 10


def metrics(*, simulated=False, found=0.69):
    models = {"model": scores(found), "distance_rule": scores(0.55), "prevalence": {}}
    return {
        "study_area": "test",
        "simulated": simulated,
        "as_of": None,
        "crs": "EPSG:3035",
        "resolution_m": 250,
        "cells": {"total": 4800, "positive": 90, "negative": 3000, "unlabelled": 1710},
        "prevalence": 0.03,
        "protocols": {
            "far": {"words": "10 regions left out whole", "models": models},
            "near": {"words": "5 folds of blocks", "models": models},
            "random": {"words": "random folds", "models": models},
        },
        "regions": REGIONS,
        "capture": {"far": {"model": CURVE, "distance_rule": CURVE}},
        "reliability": {"far": BINS},
        "importance": FAMILIES,
        "permuted": {"roc_auc": [0.5, 0.48, 0.52], "passed": True},
        "gates": [
            {"name": "cells", "words": "Cells", "threshold": 50, "value": 90, "passed": True},
            {"name": "cover", "words": "Cover", "threshold": 0.9, "value": 0.8, "passed": False},
        ],
        "applicable_share": 0.8,
    }


@pytest.fixture
def run_dir(tmp_path):
    (tmp_path / "metrics.json").write_text(json.dumps(metrics()))
    classes = np.full((60, 80), palette.LOWER, dtype=np.uint8)
    classes[:6], classes[6:18], classes[-6:] = palette.HIGHER, palette.CANNOT_SAY, palette.OUTSIDE
    cog.write_raster(
        tmp_path / "rasters/risk_class.tif",
        classes,
        GRID,
        description="Risk class",
        style=palette.CLASS_LEGEND,
    )
    return tmp_path


def page_of(run_dir, title="Test area"):
    return write_report(run_dir, config_title=title).read_text(encoding="utf-8")


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        assert tag not in {"script", "link", "iframe", "object"}
        self.found += [value for name, value in attrs if name in {"src", "href"}]


def test_the_page_needs_nothing_from_outside(run_dir):
    page = page_of(run_dir)
    links = Links()
    links.feed(page)
    assert len(links.found) == 5  # one map; regions, importance, reliability, capture
    assert all(link.startswith("data:image/png;base64,") for link in links.found)
    assert "http://" not in page
    assert "https://" not in page
    assert "url(" not in page


def test_words_from_outside_are_escaped(run_dir):
    page = page_of(run_dir, title="<script>alert(1)</script>")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_simulated_findings_are_marked_and_real_ones_are_not(run_dir):
    assert "SIMULATED" not in page_of(run_dir)
    (run_dir / "metrics.json").write_text(json.dumps(metrics(simulated=True)))
    page = page_of(run_dir)
    assert page.index("SIMULATED</b>") < page.index("<h1>")
    assert "No accuracy may be claimed" in page


def test_the_page_says_what_it_must(run_dir):
    page = re.sub(r"\s+", " ", page_of(run_dir))
    for words in (
        "must not be used for",
        "optimistic reference, never the quality of this map",
        "Distance rule, ha",
        "cannot say",
        "FAILED",
        "This run has no manifest",
        "No tasks have been made yet",
    ):
        assert words in page, words
    # 12 of 54 rows of land are cannot say.
    assert "For 22.2 % of the land the model cannot say" in page


def test_the_same_run_gives_the_same_page(run_dir):
    assert page_of(run_dir) == page_of(run_dir)


def test_tasks_and_inputs_are_listed(run_dir):
    (run_dir / "tasks.csv").write_text(
        "task,arm,rank,hectares,expected_finds,probability,lower,upper,latitude,longitude\n"
        "NTS-0001,ranked,1,250.0,4.2,0.11,0.05,0.2,43.1,17.2\n"
        "NTS-C0002,control,,100.0,,,,,43.2,17.3\n"
    )
    digest = "ab12" * 16
    (run_dir / "manifest.json").write_text(
        json.dumps(
            {
                "stages": [
                    {"inputs": {"layer:front_line": digest}, "outputs": {"tasks.csv": digest}},
                    {
                        "facts": {
                            "left_out": [LEFT_OUT.model_dump(mode="json")],
                            "line_error": {"cell_m": 500.0, "draws": 4, "rows": MOVED},
                        }
                    },
                ]
            }
        )
    )
    (run_dir / "config.yaml").write_text(
        "layers:\n  front_line: {path: a, position_error_m: 2700, source: Survey of 1995}\n"
        "features:\n  - {kind: front_line, layer: front_line}\n"
    )
    page = page_of(run_dir)
    assert "NTS-0001" in page
    assert "1 ranked tasks on 250 ha, and 1 control tasks on 100 ha" in page
    assert page.count(digest) == 2
    assert "Survey of 1995" in page
    assert "2,700 m" in page
    words = {kind: family.words for kind, family in FEATURE_KINDS.items()}
    assert f"{words['fortifications']}; " in page
    assert f"{words['wetness']}; " in page
    assert words["front_line"] not in page
    assert words["search_effort"] not in page
    assert "moved by it, 4 times, on a grid of 500 m" in page
    assert "front distance m" in page
    assert "957 m" in page
    assert "6.4 %" in page
    assert "2 more change by a smaller share" in page
    assert "distance of bridges is left out: bridges is optional and has no file." in page


def test_a_model_no_better_than_the_rule_is_said_to_be():
    models = {"model": {"found_in_top_20": [0.5]}, "distance_rule": {"found_in_top_20": [0.55]}}
    assert "use the rule" in verdict(models, "model")
    models["model"] = {"found_in_top_20": [0.69]}
    assert "use the rule" not in verdict(models, "model")
    assert "not measured" in verdict({}, "model")


def test_an_order_worse_than_chance_is_said_to_be():
    models = {"model": {"found_in_top_20": [0.12]}, "distance_rule": {"found_in_top_20": [0.1]}}
    assert "do not survey in this order" in verdict(models, "model")


def test_the_order_of_models_in_the_file_does_not_matter(run_dir):
    page = page_of(run_dir)
    (run_dir / "metrics.json").write_text(json.dumps(metrics(), sort_keys=True))
    assert page_of(run_dir) == page
    assert "the model (this map)" in page


def test_numbers_are_worded():
    assert interval([0.8, 0.75, 0.85]) == ("0.800", "0.750 to 0.850")
    assert interval([0.69, 0.6, 0.7], "share") == ("69 %", "60 to 70 %")
    assert interval(None) == ("–", "")
    assert interval([0.5, None, float("nan")]) == ("0.500", "")
    assert number(1234567.8, "hectares") == "1,234,568"
    assert number(0.0123, "share") == "1.2 %"


def test_a_run_without_metrics_is_refused(tmp_path):
    with pytest.raises(InputError, match="missing"):
        write_report(tmp_path, config_title="x")
    (tmp_path / "metrics.json").write_text("{")
    with pytest.raises(InputError, match="JSON"):
        write_report(tmp_path, config_title="x")


@pytest.mark.parametrize("form", ["png", "svg"])
def test_figures_repeat_and_mark_simulated_findings(form):
    folds = np.arange(4800).reshape(60, 80) % 7 - 1
    drawings = [
        lambda simulated: figures.reliability_figure(BINS, simulated=simulated, form=form),
        lambda simulated: figures.capture_figure({"model": CURVE}, simulated=simulated, form=form),
        lambda simulated: figures.importance_figure(FAMILIES, simulated=simulated, form=form),
        lambda simulated: figures.region_figure(REGIONS, simulated=simulated, form=form),
        lambda simulated: figures.tasks_capture_figure(
            {"tasks": [[0.3, 0.2, 0.4]], "nearest_line": [[0.2, 0.1, 0.3]]},
            [0.05],
            words={"tasks": "tasks", "nearest_line": "nearest"},
            simulated=simulated,
            form=form,
        ),
        lambda simulated: figures.fold_figure(
            folds, GRID, words="Folds", simulated=simulated, form=form
        ),
    ]
    for draw in drawings:
        assert draw(False) == draw(False) != draw(True)


def test_nothing_to_draw_is_refused():
    with pytest.raises(InputError, match="at least one"):
        figures.region_figure(REGIONS[1:], simulated=False)
