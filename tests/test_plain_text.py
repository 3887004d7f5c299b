"""Words of other people's files steer nothing that shows them."""

import logging
import re
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from odc.geo.geobox import GeoBox

from minerisk.configs.load import load_config
from minerisk.features.errors import InputError
from minerisk.features.layers.vectors import read_frame
from minerisk.pipelines.audit.decide import Decision, review_run
from minerisk.pipelines.cli import main
from minerisk.pipelines.cli.output import show
from minerisk.pipelines.formats.qgis_project import ProjectLayer, project_text
from minerisk.pipelines.formats.qml import line_qml
from minerisk.pipelines.formats.vector_files import KML, missing_driver, write_kml
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.language.page import page
from minerisk.pipelines.provenance.manifest import record_maker
from minerisk.pipelines.run.folder import Run
from minerisk.plain_text import plain_message, plain_text

ROOT = Path(__file__).parents[1]
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069]")
HOSTILE = "red \x1b[31m\x9b2J\x07\u202egpj.\u2066exe\u200b"


def test_text_of_every_script_stays_as_it_is() -> None:
    for text in ("plain", "Şəhər", "минное поле", "میدان‌های مین", "地雷原", "क्‍ष", "a\u00adb", "é"):
        assert plain_text(text) == text


def test_what_steers_is_taken_out_and_breaks_become_spaces() -> None:
    assert not STEERING.search(plain_text(HOSTILE))
    assert plain_text("a\r\nminerisk: done\tb\x00") == "a minerisk: done b "
    assert plain_text("\udcff") == "\ufffd"
    assert plain_message("a\x1b\nb\u202e") == "a \nb"


def test_a_configuration_is_freed_of_it(tmp_path: Path) -> None:
    text = (ROOT / "configs" / "tiny.yaml").read_text(encoding="utf-8")
    escaped = HOSTILE.encode("unicode_escape").decode()
    title = next(line for line in text.splitlines() if line.startswith("  title: "))
    text = text.replace(title, title.replace("title: ", f'title: "{escaped} ') + '"')
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    title = load_config(tmp_path / "c.yaml").study_area.title
    assert title.startswith("red  [31m 2J gpj.exe Tiny")


def test_a_layer_is_freed_of_it_in_names_and_values(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({HOSTILE: [HOSTILE]}, geometry=[shapely.Point(1, 1)], crs=4326)
    for name in ("a.geojson", "a.gpkg", "a.fgb"):
        frame.to_file(tmp_path / name)
        read = read_frame(tmp_path / name)
        (column,) = (name for name in read.columns if name != "geometry")
        assert not STEERING.search(column)
        assert not STEERING.search(read[column].iloc[0])


def test_an_error_is_freed_of_it() -> None:
    assert not STEERING.search(str(InputError(f"{HOSTILE}\nsecond line")))
    assert str(InputError("a\nb")) == "a\nb"


@pytest.mark.parametrize("form", ["html", "md", "txt"])
def test_a_page_or_readme_is_freed_of_words_of_a_record(tmp_path: Path, form: str) -> None:
    (tmp_path / f"page.{form}.j2").write_text(
        "{{ title }}\n{% trans %}Area: {{ area }}{% endtrans %}\n{{ more[0] }}\n"
    )
    text = page(
        f"page.{form}.j2", ENGLISH, folder=tmp_path, title=HOSTILE, area=HOSTILE, more=[HOSTILE]
    )
    assert not STEERING.search(text)
    assert text.count("gpj.exe") == 3


def test_a_map_project_is_freed_of_it() -> None:
    grid = GeoBox.from_bbox((0, 0, 1_000, 1_000), "EPSG:32638", resolution=100)
    layer = ProjectLayer("map.gpkg|layername=a", HOSTILE, line_qml(), "Line", True)
    text = project_text([layer], title=HOSTILE, geobox=grid, mark=f"DRAFT\n{HOSTILE}")
    assert not STEERING.search(text)
    assert text.count("gpj.exe") >= 3


def test_kml_is_freed_of_it(tmp_path: Path) -> None:
    if missing_driver(KML):
        pytest.skip("GDAL was built without KML")
    words = {"Name": [HOSTILE, None], "description": [f"a\n{HOSTILE}", "b"]}
    frame = gpd.GeoDataFrame(words, geometry=[shapely.Point(1, 1)] * 2, crs=4326)
    path = write_kml(tmp_path / "a.kml", frame, title=HOSTILE, description=HOSTILE)
    text = path.read_text(encoding="utf-8")
    assert not STEERING.search(text)
    assert text.count("gpj.exe") >= 4


def test_names_and_notes_of_people_are_refused_or_freed_of_it(tiny_copy: Path) -> None:
    run = Run.open(tiny_copy)
    record_maker(run.files, HOSTILE)
    assert not STEERING.search("".join(run.manifest().trained_by))
    for by, note in ((HOSTILE, "x"), ("reviewer 7", HOSTILE)):
        with pytest.raises(InputError, match="control characters"):
            review_run(run, Decision("reject", by=by, note=note))
    review_run(run, Decision("reject", by="reviewer\u202e 7", note="looked\u200b at"))
    (entry,) = run.reviews().entries
    assert (entry.by, entry.note) == ("reviewer 7", "looked at")


def test_the_terminal_is_freed_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    show(None, [HOSTILE], as_json=False)
    record = logging.LogRecord("rasterio", logging.WARNING, "", 0, "%s", (HOSTILE,), None)
    told = capsys.readouterr().out + main._PlainFormatter("%(message)s").format(record)
    assert not STEERING.search(told)
