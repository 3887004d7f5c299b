"""What is asked for is said in the words of the reader, and never as the name of a file."""

import datetime as dt
import re
from pathlib import Path

import pytest

from minerisk.pipelines.language.messages import LANGUAGES, texts
from minerisk.pipelines.records.request import Filters
from minerisk.pipelines.request.titles import request_title

EVERY = Filters(
    aoi=Path("Ağdam south.gpkg"),
    near=("schools",),
    within_m=2000,
    districts=("Şuşa",),
    hazard="at",
    as_of=dt.date(2023, 1, 31),
    budget_ha=1500,
    weights={"casualties": 2, "hazard": 0.5},
)


def test_all_land_has_a_name_in_each_language() -> None:
    found = [request_title(Filters(), texts(language)) for language in LANGUAGES]
    assert found[0] == "whole study area"
    assert len(set(found)) == len(LANGUAGES)


def test_land_drawn_on_the_map_of_the_desk_is_called_that_in_each_language() -> None:
    drawn = Filters(aoi=Path("drawn.geojson"))
    found = [request_title(drawn, texts(language)) for language in LANGUAGES]
    assert found[0] == "land drawn on the map"
    assert len(set(found)) == len(LANGUAGES)


def test_each_filter_is_said_in_words() -> None:
    assert request_title(EVERY) == (
        "Ağdam south · within 2,000 m of schools · district Şuşa · Anti-tank mines · "
        "as known on 2023-01-31 · 1,500 ha of tasks · weight of threat to life and casualty rate: "
        "2 · weight of the hazard itself: 0.5"
    )
    russian = request_title(EVERY, texts("ru"))
    assert "31.01.2023" in russian
    assert re.findall("[a-z]{2,}", russian) == ["dam", "south", "schools"]


@pytest.mark.parametrize(
    "name", [name for name in Filters.model_fields if name not in {"layer", "clip"}]
)
def test_no_filter_is_left_unsaid(name: str) -> None:
    blank = Filters().model_dump()[name]
    without = EVERY.model_copy(update={name: blank})
    if name != "within_m":
        assert request_title(without) != request_title(EVERY)
