"""Words of other people's files steer nothing that shows them."""

import logging
import re
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from minerisk.configs.load import load_config
from minerisk.features.errors import InputError
from minerisk.features.layers.vectors import read_frame
from minerisk.pipelines.cli import main
from minerisk.pipelines.cli.output import show
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
    text = text.replace("title: Tiny test area", f'title: "{escaped} Tiny test area').replace(
        "(SIMULATED findings)\n  boundary", '(SIMULATED findings)"\n  boundary'
    )
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


def test_the_terminal_is_freed_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    show(None, [HOSTILE], as_json=False)
    record = logging.LogRecord("rasterio", logging.WARNING, "", 0, "%s", (HOSTILE,), None)
    told = capsys.readouterr().out + main._PlainFormatter("%(message)s").format(record)
    assert not STEERING.search(told)
