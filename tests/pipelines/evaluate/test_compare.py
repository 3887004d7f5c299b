import json
from pathlib import Path

import numpy as np
import pytest
from odc.geo.geobox import GeoBox

from minerisk.features.errors import InputError
from minerisk.pipelines.audit.verify import audit_run
from minerisk.pipelines.evaluate import compare as compare_module
from minerisk.pipelines.evaluate.compare import compare_runs
from minerisk.pipelines.evaluate.comparison_lines import comparison_lines
from minerisk.pipelines.evaluate.districts import Districts
from minerisk.pipelines.formats.cog import read_raster
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.comparison import Comparison, TaskMoves
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.steps import run_steps

TINY = Path(__file__).resolve().parents[3] / "configs" / "tiny.yaml"


@pytest.fixture(scope="module")
def other(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run with other cuts between classes."""
    import shutil

    folder = tiny_run.parent / "other-classes"
    shutil.copytree(tiny_run, folder)
    text = TINY.read_text(encoding="utf-8")
    data = (TINY.parent / ".." / "data" / "tiny").resolve()
    config = tmp_path_factory.mktemp("configs") / "tiny.yaml"
    config.write_text(
        text.replace("data_root: ../data/tiny", f"data_root: {data}")
        + "\nclasses:\n  higher_share: 0.2\n",
        encoding="utf-8",
    )
    run_steps(config, folder)
    return folder


def test_a_run_is_as_itself(tiny_run: Path) -> None:
    found = compare_runs(Run.open(tiny_run), Run.open(tiny_run))
    assert found.settings == found.data == found.made_with == ()
    assert found.tasks == TaskMoves()
    assert found.regions[0].changed_ha == 0
    assert found.scores.same_label == found.scores.cells[0]
    for measures in found.scores.protocols.values():
        assert all(value == (0.0, 0.0, 0.0) for value in measures.values())


def test_hectares_of_drawn_cells_stand_for_the_land_they_were_drawn_from(
    tiny_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = tiny_copy / "metrics.json"
    metrics = json.loads(stored.read_text(encoding="utf-8"))
    labelled = metrics["cells"]["positive"] + metrics["cells"]["negative"]
    asked: list[float] = []

    def measured(*_: object, cell_ha: float) -> dict[str, list[float]]:
        asked.append(cell_ha)
        return {measure: [0.0, 0.0, 0.0] for measure in compare_module.MEASURES}

    monkeypatch.setattr(compare_module, "compare", measured)
    compare_module.shared_scores(*[Run.open(tiny_copy)] * 2)
    metrics["cells"]["drawn"] = labelled // 4
    stored.write_text(json.dumps(metrics), encoding="utf-8")
    compare_module.shared_scores(*[Run.open(tiny_copy)] * 2)
    assert set(asked[: len(asked) // 2]) == {25.0}
    assert asked[len(asked) // 2 :] == pytest.approx([25.0 * labelled / (labelled // 4)] * 2)


def test_what_was_changed_is_told_and_where_it_shows(
    tiny_run: Path, other: Path, tmp_path: Path
) -> None:
    found = compare_runs(Run.open(tiny_run), Run.open(other), out=tmp_path / "out")
    lines = list(comparison_lines(found))
    assert "classes.higher_share" in [change.name for change in found.settings]
    assert found.data == ()
    assert found.districts is None  # the tiny area names none
    assert any(line.startswith("Not listed by district: The config") for line in lines)
    whole, *parts = found.regions
    changed = {(change.before, change.after): change.hectares for change in whole.changes}
    assert whole.moved_share == 0
    assert set(changed) == {("elevated", "higher"), ("lower", "elevated")}
    assert whole.changed_ha == pytest.approx(sum(part.changed_ha for part in parts))
    before, after = (
        (read_raster(run / "rasters" / "risk_class.tif")[0] == 3).sum() for run in (tiny_run, other)
    )
    assert changed["elevated", "higher"] == (after - before) * 25  # cells of 500 m
    assert Comparison.read(tmp_path / "out" / "comparison.json") == found
    shift, _ = read_raster(tmp_path / "out" / "rank_shift.tif")
    assert np.isfinite(shift).any()
    assert not np.nan_to_num(shift).any()
    assert (tmp_path / "out" / "rank_shift.png").read_bytes().startswith(b"\x89PNG")
    assert "SIMULATED" in lines[0]


def test_comparing_leaves_both_runs_as_they_are(tiny_run: Path, other: Path) -> None:
    for folder in (tiny_run, other):
        with pytest.raises(InputError, match="lies in the run folder"):
            compare_runs(Run.open(tiny_run), Run.open(other), out=folder / "comparison")
        assert audit_run(RunFolder(folder)).problems == ()


def test_districts_are_told_by_name_where_the_run_has_them(
    tiny_run: Path, other: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def codes(geobox: GeoBox) -> np.ndarray:
        west = np.arange(geobox.width) < geobox.width // 2
        return np.broadcast_to(west.astype(np.int32), geobox.shape)

    named = Districts(("East", "West"), codes)
    monkeypatch.setattr("minerisk.pipelines.evaluate.compare.read_districts", lambda *_: named)
    found = compare_runs(Run.open(tiny_run), Run.open(other), out=tmp_path / "out")
    lines = list(comparison_lines(found))
    changed = sum(row.changed_ha for row in found.districts)
    assert changed == found.regions[0].changed_ha
    assert "2 of 2 districts changed; the most changed first:" in lines
    assert any(line.startswith("  West: moved by 10 percent") for line in lines)
    table = (tmp_path / "out" / "districts.csv").read_text(encoding="utf-8")
    assert table.count("\n") == 3
