"""How good a run is on land like that of an area: on its own cells, and refused where too few."""

import html
import shutil
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from typer.testing import CliRunner

from minerisk.features.cube.store import open_cube
from minerisk.models.elsewhere.statement import TooFew
from minerisk.pipelines.cli.main import app
from minerisk.pipelines.evaluate.like_land import like_this
from minerisk.pipelines.language.like_words import like_line
from minerisk.pipelines.language.messages import texts
from minerisk.pipelines.predict.window import whole_window
from minerisk.pipelines.report.model_card import ModelCard
from minerisk.pipelines.report.summary import closing_lines, run_score_lines
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.train import like_unsurveyed


def test_the_whole_of_a_run_is_as_large_as_all_its_regions(tiny_run: Path) -> None:
    run = Run.open(tiny_run)
    found = like_this(run, whole_window(open_cube(run.files.cube)))
    scored = run.held_out("far_probability")
    known = np.isfinite(scored["far_probability"])
    assert (found.cells, found.finds) == (known.sum(), (scored["state"][known] == 1).sum())
    assert found.as_large_as == 4.0


def test_an_area_gets_one_line_and_the_mark_of_made_up_finds(
    tiny_run: Path, tmp_path: Path
) -> None:
    square = gpd.GeoDataFrame(
        geometry=[shapely.box(690_000, 4_370_000, 700_000, 4_380_000)], crs="EPSG:32638"
    )
    square.to_file(tmp_path / "area.gpkg")
    words = ["evaluate", "area", str(tiny_run), str(tmp_path / "area.gpkg")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0
    mark, line = done.stdout.strip().splitlines()
    assert mark.startswith("SIMULATED findings")
    assert line.startswith("On land like this: ")


def test_fewer_than_four_regions_are_refused_in_every_language(tiny_run: Path) -> None:
    """The four regions of the small run are not of one size."""
    run = Run.open(tiny_run)
    found = like_this(run, whole_window(open_cube(run.files.cube)))
    assert found.regions < 4
    assert (found.too_few, found.roc_auc) == (TooFew.REGIONS, None)
    assert "at least 4 are needed" in like_line(found)
    lines = {like_line(found, texts(language)) for language in ("en", "az", "ru")}
    assert len(lines) == 3


def test_metrics_say_it_of_what_nobody_surveyed(tiny_run: Path) -> None:
    """As an area of just that land is told: from the files, and from what training held."""
    run = Run.open(tiny_run)
    cube = open_cube(run.files.cube)
    left = (cube["inside"].to_numpy() == 1) & (run.labels()["state"].to_numpy() < 0)
    window = replace(whole_window(cube), asked=left)
    assert run.metrics().like_this == like_this(run, window)


def test_report_card_and_scores_say_the_same_line(tiny_run: Path) -> None:
    run = Run.open(tiny_run)
    line = like_line(run.metrics().like_this)
    scores = "\n".join(run_score_lines(run))
    page = html.unescape(run.files.report.read_text(encoding="utf-8"))
    card = ModelCard.of(run).text()
    for text in (scores, page, card, "\n".join(closing_lines(run))):
        assert line in text
    assert "| near | the model" not in scores


def test_held_out_cells_are_read_once_and_again_when_they_were_replaced(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_run, tmp_path / "run")
    run, read = Run.open(tmp_path / "run"), []
    plain = like_unsurveyed.held_out_cells
    monkeypatch.setattr(
        like_unsurveyed, "held_out_cells", lambda *asked: read.append(1) or plain(*asked)
    )
    window = whole_window(open_cube(run.files.cube))
    first = like_this(run, window)
    assert like_this(run, window) == first
    assert len(read) == 1
    content = run.files.held_out.read_bytes()
    run.files.held_out.unlink()
    run.files.held_out.write_bytes(content)
    assert like_this(run, window) == first
    assert len(read) == 2
