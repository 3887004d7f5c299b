"""From a scan to a layer that a study area reads, with what is known of it written beside it."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from PIL import Image
from typer.testing import CliRunner

from minerisk.features.cube.feature import build_window
from minerisk.features.digitise.sheet import read_outline
from minerisk.features.errors import InputError
from minerisk.features.layers.sources import Coverage, Layers, VectorSource
from minerisk.features.raster.rasterise import burn_mask
from minerisk.pipelines.cli.main import app
from minerisk.pipelines.prepare.digitise import Drawing, Provenance, digitise
from minerisk.pipelines.prepare.digitised import Digitised
from minerisk.pipelines.prepare.digitised_lines import lines_of
from tests.features.digitise.drawn_map import (
    FRAME,
    INK,
    LEGEND,
    PIXEL_M,
    WIDTH,
    DrawnMap,
    draw_map,
    ground_of,
)

CRS = "EPSG:32633"
DRAWING = Drawing(
    INK,
    WIDTH,
    read_outline(FRAME, name="--frame"),
    (read_outline(LEGEND, name="--leave-out"),),
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Digitised:
    """A sheet that is digitised once, for tests that only read what came of it."""
    return make(laid_out(tmp_path_factory.mktemp("sheet")))


@pytest.fixture
def sheet(tmp_path: Path) -> tuple[DrawnMap, Path, Path]:
    return laid_out(tmp_path)


def laid_out(tmp_path: Path) -> tuple[DrawnMap, Path, Path]:
    drawn = draw_map()
    scan = drawn.save(tmp_path / "sheet.png")
    return drawn, scan, drawn.write_points(tmp_path / "points.csv", scan="sheet.png")


def make(sheet: tuple[DrawnMap, Path, Path], **changed: object) -> Digitised:
    _, scan, points = sheet
    given = {"out": scan.with_name("lines.gpkg"), "crs": CRS}
    return digitise(scan, points, DRAWING, **{**given, **changed})


def test_the_lines_lie_on_the_ground_where_they_were_drawn(kept: Digitised) -> None:
    drawn, found = draw_map(), kept
    lines = gpd.read_file(found.layer, layer="front_lines")
    truth = shapely.transform(
        shapely.union_all([drawn.solid, drawn.dashed, drawn.dotted]), ground_of
    )
    assert lines.crs == CRS
    assert len(lines) == found.lines == 3
    corners = shapely.points(shapely.get_coordinates(lines.geometry.to_numpy()))
    assert shapely.distance(corners, truth).max() < 0.6 * WIDTH * PIXEL_M
    assert found.length_km == pytest.approx(lines.length.sum() / 1000, abs=0.1)
    assert list(lines["length_m"]) == sorted(lines["length_m"], reverse=True)
    solid, dashed, dotted = lines["bridged_m"]
    assert solid < 60 * PIXEL_M  # under the arrow
    assert dotted == pytest.approx(lines["length_m"][2], rel=0.01)
    assert 0.3 < dashed / lines["length_m"][1] < 0.8


def test_the_cover_is_the_frame_without_the_legend(kept: Digitised) -> None:
    cover = gpd.read_file(kept.layer, layer="coverage").geometry.union_all()
    legend = shapely.transform(shapely.box(770, 90, 1010, 170), ground_of)
    frame = shapely.transform(shapely.box(60, 60, 1040, 840), ground_of)
    assert not cover.intersects(legend)
    assert cover.area == pytest.approx((980 * 780 - 260 * 100) * PIXEL_M**2, rel=1e-6)
    assert frame.buffer(0.01).covers(cover)


def test_each_line_and_the_cover_say_what_is_known(sheet: tuple[DrawnMap, Path, Path]) -> None:
    known = Provenance("spring", "1992-05", "a test", generalisation_m=300)
    found = make(sheet, known=known)
    parts = found.position_error
    assert parts.drawn_width_m == WIDTH * PIXEL_M / 2
    assert parts.georeferencing_m < 1
    assert parts.total_m == 330  # the root of 135² + 300² is 329
    for layer in ("front_lines", "coverage"):
        frame = gpd.read_file(found.layer, layer=layer)
        assert set(frame["epoch"]) == {"spring"}
        assert set(frame["date"]) == {"1992-05"}
        assert set(frame["source"]) == {"a test"}
        assert set(frame["scan"]) == {"sheet.png"}
        assert set(frame["position_error_m"]) == {330}


def test_control_points_are_kept_with_their_residuals(sheet: tuple[DrawnMap, Path, Path]) -> None:
    text = sheet[2].read_text().splitlines()
    name, column, row, east, north = text[5].split(",")
    text[5] = ",".join([name, column, row, str(float(east) + 2_000), north])
    sheet[2].write_text("\n".join(text))
    found = make(sheet)
    points = gpd.read_file(found.layer, layer="control_points")
    assert found.outliers == (5,)
    assert points["left_out_m"].idxmax() == 4
    assert (points["residual_m"] <= points["left_out_m"]).all()
    assert any("control point 5 lies" in line for line in lines_of(found))


def test_the_same_scan_gives_the_same_bytes(
    kept: Digitised, sheet: tuple[DrawnMap, Path, Path]
) -> None:
    again = make(sheet)
    assert Path(again.layer).read_bytes() == Path(kept.layer).read_bytes()
    assert Path(again.picture).read_bytes() == Path(kept.picture).read_bytes()


def test_a_study_area_reads_the_line_and_knows_nothing_off_its_cover(kept: Digitised) -> None:
    path = Path(kept.layer)
    coverage = Coverage(in_file="coverage")
    line = VectorSource(path.name, layer="front_lines", coverage=coverage, position_error_m=330)
    west, north = ground_of(np.array([[-100.0, 60.0]]))[0]
    geobox = GeoBox((60, 120), Affine(300, 0, west, 0, -300, north), CRS)
    made = build_window(
        Layers({"line": line}, path.parent),
        geobox,
        kind="front_line",
        params={"layer": "line", "cap_m": 9e3},
    )
    distance = made["front_distance_m"].to_numpy()
    cover = gpd.read_file(path, layer="coverage")
    inside = burn_mask(geobox, cover, all_touched=False)
    assert 0.3 < inside.mean() < 0.9
    assert np.array_equal(np.isfinite(distance), inside)
    assert np.nanmin(distance) == 0


def test_the_picture_shows_drawn_lines_bridges_cover_and_points(kept: Digitised) -> None:
    picture = np.asarray(Image.open(kept.picture).convert("RGB")).reshape(-1, 3)
    seen = {tuple(int(value) for value in colour) for colour in np.unique(picture, axis=0)}
    assert {(0, 90, 255), (230, 0, 180), (0, 130, 60), (220, 90, 0)} <= seen


def test_a_world_file_needs_a_stated_error(sheet: tuple[DrawnMap, Path, Path]) -> None:
    corner, right, below = ground_of(np.array([[0.5, 0.5], [1.5, 0.5], [0.5, 1.5]]))
    numbers = [*(right - corner), *(below - corner), *corner]
    world = sheet[1].with_name("sheet.pgw")
    world.write_text("\n".join(f"{number:.9f}" for number in numbers))
    by_points = gpd.read_file(make(sheet).layer, layer="front_lines").geometry
    with pytest.raises(InputError, match="--georeferencing-m"):
        make((sheet[0], sheet[1], world))
    found = make((sheet[0], sheet[1], world), known=Provenance(georeferencing_m=200))
    assert found.position_error.georeferencing_m == 200
    assert by_points.geom_equals_exact(
        gpd.read_file(found.layer, layer="front_lines").geometry, 1
    ).all()
    assert "control_points" not in pyogrio.list_layers(found.layer)[:, 0]
    with pytest.raises(InputError, match="for world files"):
        make(sheet, known=Provenance(georeferencing_m=200))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"out": Path("lines.shp")}, "expected a GeoPackage"),
        ({"known": Provenance(generalisation_m=-1)}, "expected 0 to 50,000 m"),
        ({"known": Provenance(generalisation_m=float("nan"))}, "expected 0 to 50,000 m"),
        ({"crs": None}, "does not say in which CRS"),
    ],
)
def test_what_is_stated_wrongly_is_refused_and_nothing_is_written(
    sheet: tuple[DrawnMap, Path, Path], changed: dict[str, object], words: str
) -> None:
    before = sorted(sheet[1].parent.iterdir())
    with pytest.raises(InputError, match=words):
        make(sheet, **changed)
    assert sorted(sheet[1].parent.iterdir()) == before


def test_a_map_of_unbroken_lines_alone_has_nothing_to_bridge(
    sheet: tuple[DrawnMap, Path, Path],
) -> None:
    canvas = np.full((900, 1100, 3), 250, np.uint8)
    canvas[500:509, 200:900] = INK
    Image.fromarray(canvas).save(sheet[1])
    found = make(sheet)
    assert (found.lines, found.bridged_km) == (1, 0)
    assert found.length_km == pytest.approx(700 * PIXEL_M / 1000, abs=0.3)


def test_the_picture_never_replaces_the_scan(sheet: tuple[DrawnMap, Path, Path]) -> None:
    scan = sheet[1].with_name("lines_picture.png")
    with pytest.raises(InputError, match="would replace the scan"):
        make((sheet[0], scan, sheet[2]), out=scan.with_name("lines.gpkg"))


def test_the_commands_do_it_from_a_prompt(sheet: tuple[DrawnMap, Path, Path]) -> None:
    drawn, scan, points = sheet
    middle = drawn.solid.interpolate(0.25, normalized=True)
    told = CliRunner().invoke(app, ["colours", str(scan), f"{middle.x:.0f},{middle.y:.0f}"])
    assert told.exit_code == 0
    assert len(told.output.splitlines()) > 1
    out = scan.with_name("lines.gpkg")
    words = [
        *("digitise", str(scan), "--points", str(points), "--crs", CRS, "--width", "15"),
        *("--colour", "115,60,70", "--frame", FRAME, "--leave-out", LEGEND, "--out", str(out)),
    ]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0, told.output
    assert "Position error 550 m (1 sd)" in told.output  # the root of 500² + 225² is 548
    assert "--width says 15" in told.output
    assert out.exists()
    assert out.with_name("lines_picture.png").exists()
